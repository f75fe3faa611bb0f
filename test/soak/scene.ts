/** Where the attacks take place: the real server in a process of its own, linked to an InspIRCd, an ngIRCd and a Prosody, with a witness in every world. */
import { expect } from 'chai';
import { readFile } from 'node:fs/promises';
import { inspectable, startBanyan, type Banyan } from '../support/banyan.ts';
import { startInspircd } from '../support/inspircd.ts';
import { startNgircd } from '../support/ngircd.ts';
import { freePort } from '../support/ports.ts';
import { startProsody, type Prosody } from '../support/prosody.ts';
import { eventually, sleep } from '../support/wait.ts';
import { allAreHeard, gather, whileHeard, type Witness } from './witnesses.ts';

const domain = 'banyan.example';
export const room = 'lounge';
/** Shared with the scripted network only: what is said there does not have to be worked off by other servers. */
export const hall = 'hall';
const megabyte = 1_048_576;

/** Minutes that all attacks together take, besides some three for what takes as long as it does; `npm run soak -- --minutes`. */
const minutes = Number(process.env['BANYAN_SOAK_MINUTES'] ?? '1');

/** Milliseconds: so much of the whole time. */
export function share(of: number): number {
  return minutes * 60_000 * of;
}

export interface Expected {
  /** MiB of heap, after a forced collection, that may be left when the attackers are gone. */
  readonly heap?: number;
  /** MiB of resident memory that may be left: what the process once had it does not all give back. */
  readonly resident?: number;
  /** MiB of resident memory beyond the base at any time of the attack. */
  readonly peak?: number;
  /** What the log has to say of it. */
  readonly log?: RegExp;
}

export interface Scene {
  readonly banyan: Banyan;
  readonly prosody: Prosody;
  /** Lets `attack` happen while the witnesses talk, and looks afterwards at what is left of it. */
  withstands(attack: () => Promise<void>, expected?: Expected): Promise<void>;
  /** After a restart of the server: new witnesses. */
  gatherAnew(): Promise<void>;
  stop(): Promise<void>;
}

async function resident(pid: number): Promise<number> {
  return Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1]) / 1_024;
}

/** Seconds of the processor that the process has used. */
async function processor(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Share of one processor that the process takes while nothing is wanted of it. */
async function idleLoad(pid: number): Promise<number> {
  const before = await processor(pid);
  await sleep(1_500);
  return ((await processor(pid)) - before) / 1.5;
}

export async function startScene(options: { readonly tables?: readonly string[]; readonly plugin?: string } = {}): Promise<Scene> {
  const undo: (() => Promise<unknown>)[] = [];
  const started = async <T extends { stop(): Promise<unknown> }>(thing: Promise<T>): Promise<T> => {
    const done = await thing;
    undo.push(() => done.stop());
    return done;
  };
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const federation = await freePort();
    const records = [domain, `rooms.${domain}`, `users.${domain}`].map((name) => ({ domain: name, port: federation }));
    const inspircd = await started(startInspircd({ many: true }));
    const ngircd = await started(startNgircd({ peerName: `irc.${domain}` }));
    const prosody = await started(startProsody({ mode: 'dialback', records }));
    const network = (label: string, dialect: string, more: string, rooms = [room]): string =>
      `[[plugins.irc-link.networks]]\nlabel = "${label}"\ndialect = "${dialect}"\nserver_name = "irc.${domain}"\nrooms = ${JSON.stringify(rooms)}\ntls = false\n${more}`;
    const peers = [prosody.domain, prosody.roomDomain]
      .map((name) => `[[plugins.xmpp.peers]]\ndomain = "${name}"\nhost = "127.0.0.1"\nport = ${prosody.serverPort}`)
      .join('\n');
    const banyan = await started(
      startBanyan({
        domain,
        nodeOptions: [inspectable],
        tables: [
          `[http]\nlisten = ["127.0.0.1:${await freePort()}"]\nlisten_tls = ["127.0.0.1:${await freePort()}"]`,
          `[plugins.irc-clients]\nlisten = ["127.0.0.1:${await freePort()}"]\nlisten_tls = ["127.0.0.1:${await freePort()}"]`,
          `[plugins.xmpp]\nlisten = ["127.0.0.1:${federation}"]\nlisten_tls = ["127.0.0.1:${await freePort()}"]\n${peers}`,
          [
            `[plugins.irc-link]\nlisten = ["127.0.0.1:${await freePort()}"]`,
            network(
              'testnet',
              'inspircd',
              `server_id = "9BN"\npeer_name = "${inspircd.name}"\naddress = "127.0.0.1:${inspircd.linkPort}"\npassword_send = "${inspircd.password}"\npassword_receive = "${inspircd.password}"`,
            ),
            network(
              'ngnet',
              'ngircd',
              `peer_name = "${ngircd.name}"\naddress = "127.0.0.1:${ngircd.port}"\npassword_send = "${ngircd.passwordWanted}"\npassword_receive = "${ngircd.passwordSent}"`,
            ),
            network(
              'liars',
              'inspircd',
              `server_id = "9BN"\npeer_name = "scripted.example"\npassword_send = "linkpassword"\npassword_receive = "linkpassword"`,
              [room, hall],
            ),
          ].join('\n'),
          ...(options.tables ?? []),
        ],
      }),
    );
    const worlds = {
      room,
      get web() {
        return banyan.port('web');
      },
      get irc() {
        return banyan.port('irc');
      },
      inspircd: inspircd.port,
      ngircd: ngircd.port,
      xmpp: { service: prosody.websocket, domain: prosody.domain, room: `${room}@rooms.${domain}` },
    };
    let witnesses: readonly Witness[] = [];
    const leave = (): Promise<void> => Promise.resolve(witnesses.forEach((one) => one.leave()));
    undo.push(leave);
    const gatherAnew = async (): Promise<void> => {
      await leave();
      witnesses = await gather(worlds);
      await allAreHeard(witnesses);
    };
    await gatherAnew();
    return {
      banyan,
      prosody,
      withstands: (attack, expected = {}) => withstands(banyan, () => witnesses, attack, expected),
      gatherAnew,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function withstands(
  banyan: Banyan,
  witnesses: () => readonly Witness[],
  attack: () => Promise<void>,
  expected: Expected,
): Promise<void> {
  const { heap = 6, resident: left = 120, peak = 400, log } = expected;
  const { pid } = banyan;
  const base = { heap: (await banyan.collectedHeap()) / megabyte, resident: await resident(pid), log: banyan.output().length };
  let highest = 0;
  const watch = setInterval(
    () =>
      void resident(pid).then(
        (now) => (highest = Math.max(highest, now - base.resident)),
        () => undefined,
      ),
    250,
  );
  let heard: number;
  try {
    heard = await whileHeard(witnesses(), attack);
  } finally {
    clearInterval(watch);
  }
  await allAreHeard(witnesses());
  expect(banyan.running() && banyan.pid === pid, 'the same process is alive').to.equal(true);
  let now = { heap: 0, resident: 0 };
  const measure = async (): Promise<boolean> => {
    now = { heap: (await banyan.collectedHeap()) / megabyte - base.heap, resident: (await resident(pid)) - base.resident };
    return now.heap <= heap && now.resident <= left;
  };
  await eventually(
    () => `memory to be back: heap +${now.heap.toFixed(1)} of ${heap} MiB, resident +${now.resident.toFixed(1)} of ${left} MiB`,
    measure,
    90_000,
  );
  let load = 1;
  await eventually(
    () => `the processor to be idle, not ${Math.round(load * 100)} % of one`,
    async () => (load = await idleLoad(pid)) < 0.25,
    60_000,
  );
  expect(highest, 'MiB of resident memory beyond the base, at most').to.be.below(peak);
  const told = banyan.output().slice(base.log);
  expect(told.split('\n').length, 'lines of the log').to.be.below(1_000);
  // Anywhere: of lines that say the same only so many are written within a minute.
  if (log !== undefined) expect(banyan.output()).to.match(log);
  process.stdout.write(
    `         all heard ${heard + 1} times meanwhile; memory +${Math.round(highest)} MiB at most, +${Math.round(now.resident)} MiB left, heap +${now.heap.toFixed(1)} MiB\n`,
  );
}
