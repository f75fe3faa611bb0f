/** One conversation with one plugin in a server in memory, and what must hold whatever was said. */
import { openServer, type KitServer, type Peer } from '../kit/index.ts';
import ircClients from '../../plugins/irc-clients/index.ts';
import { plainText } from '../../server/model/text.ts';
import { parseIrcLine } from '../support/irc-client.ts';
import type { Material, Step } from './mutate.ts';

/** A plugin to be fuzzed. */
export interface Target {
  readonly name: string;
  material(): Promise<Material>;
  /** Starts the plugin; irc-clients runs already. */
  open(server: KitServer): Promise<Opened>;
}

export interface Opened {
  /** Says something to the plugin. */
  say(bytes: Buffer): void;
  /** What is wrong, at the end, with what others were told. */
  wrong?(): Promise<readonly string[]>;
}

export interface Finding {
  /** The same for all conversations that lead to the same failure. */
  readonly key: string;
  readonly details: string;
}

/** Seconds of processor time for one conversation that no machine should need. */
const slowSeconds = 10;
/** What an IRC client may be sent besides numerics: a command that is none of these was made by somebody's text (A1). */
const commands = new Set(
  'PRIVMSG NOTICE TAGMSG JOIN PART QUIT NICK KICK MODE TOPIC INVITE PING PONG ERROR CAP BATCH ACCOUNT AWAY CHGHOST SETNAME FAIL WARN NOTE AUTHENTICATE'.split(
    ' ',
  ),
);

/** @returns what went wrong, undefined when nothing did */
export async function runCase(target: Target, steps: readonly Step[]): Promise<Finding | undefined> {
  const thrown: unknown[] = [];
  const caught = (error: unknown): void => void thrown.push(error);
  process.on('unhandledRejection', caught);
  process.on('uncaughtException', caught);
  const begun = process.cpuUsage();
  try {
    const { log, wrong } = await converse(target, steps);
    const [first] = [...thrown.map(describe), ...log, ...wrong];
    if (first !== undefined) return { key: keyOf(first), details: first };
    const used = process.cpuUsage(begun);
    const seconds = (used.user + used.system) / 1_000_000;
    return seconds > slowSeconds ? { key: 'slow', details: `took ${seconds.toFixed(1)} s of processor time` } : undefined;
  } catch (error) {
    return { key: keyOf(describe(error)), details: describe(error) };
  } finally {
    process.off('unhandledRejection', caught);
    process.off('uncaughtException', caught);
  }
}

async function converse(
  target: Target,
  steps: readonly Step[],
): Promise<{ readonly log: readonly string[]; readonly wrong: readonly string[] }> {
  const server = await openServer();
  await server.start(ircClients, { listen: ['127.0.0.1:6667'], listen_tls: [] });
  const alice = await server.guest('alice', 'lounge');
  const witness = await enter(server, 'witness');
  const opened = await target.open(server);
  for (const { after, bytes } of steps) {
    if (after > 0) await server.advance(after);
    opened.say(bytes);
  }
  await server.settle();
  await server.advance(1_000);
  const room = server.core.rooms.byName('lounge');
  const wrong: string[] = [];
  if (room?.members.has(alice.user.id) === true) {
    const said = await server.core.rooms.say(alice.user, room, { text: plainText('still here'), style: 'normal' });
    if (said.ok) await server.settle();
  }
  wrong.push(
    ...(await witness.takeLines())
      .filter(isWrong)
      .map((line) => `an IRC client was sent the command ${parseIrcLine(line).command}: ${JSON.stringify(line)}`),
  );
  wrong.push(...((await opened.wrong?.()) ?? []));
  await stop(server);
  const { connections, listeners } = server.net.open;
  if (connections > 0 || listeners > 0) wrong.push(`${connections} connections and ${listeners} listeners were left at the stop`);
  return { log: server.log.atLeast('error'), wrong };
}

/** Goodbyes wait for answers, which take time, and this time stands still. */
export async function stop(server: KitServer): Promise<void> {
  const stopping = server.stop();
  await server.advance(10_000);
  await stopping;
}

/** An IRC client in the room, with all that clients can have. */
export async function enter(server: KitServer, nick: string): Promise<Peer> {
  const peer = server.connect('irc', {
    answer: (line, itself) => {
      if (line.startsWith('PING')) itself.send(line.replace('PING', 'PONG'));
    },
  });
  peer.send('CAP REQ :server-time message-tags echo-message away-notify account-notify extended-join chghost setname batch');
  for (const line of [`NICK ${nick}`, `USER ${nick} 0 * :${nick}`, 'CAP END', 'JOIN #lounge']) peer.send(line);
  await server.settle();
  await peer.take();
  return peer;
}

function isWrong(line: string): boolean {
  const { command } = parseIrcLine(line);
  return !/^\d{3}$/.test(command) && !commands.has(command);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** The place in the code, where there is one; else the words without what differs from case to case. */
function keyOf(details: string): string {
  const place = /\/dist\/((?:server|plugins|storage)\/[^\s:)]+:\d+)/.exec(details);
  return place?.[1] ?? details.split('\n')[0]!.replace(/"(?:[^"\\]|\\.)*"|\d+/g, '?');
}
