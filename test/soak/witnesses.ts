/** One person in each world, all in one room: what one says, all others have to hear, whatever goes on. */
import { connectIrc, type IrcClient } from '../support/irc-client.ts';
import { nativeGuest } from '../support/native-client.ts';
import { eventually, sleep } from '../support/wait.ts';
import { connectXmpp } from '../support/xmpp-client.ts';

export interface Witness {
  readonly world: string;
  say(text: string): Promise<unknown>;
  heard(text: string): boolean;
  /** Still connected to its own server. */
  present(): boolean;
  leave(): void;
}

const generous = 60_000;

/** Texts are looked for among what came since the last look. */
function ears(length: () => number, textAt: (index: number) => string | undefined): (text: string) => boolean {
  const texts = new Set<string>();
  let looked = 0;
  return (text) => {
    for (; looked < length(); looked++) {
      const found = textAt(looked);
      if (found?.startsWith('witness ') === true) texts.add(found);
    }
    return texts.has(text);
  };
}

async function ircWitness(world: string, port: number, channel: string): Promise<Witness> {
  const client: IrcClient = await connectIrc({ port, nick: `w-${world}` });
  await client.join(channel);
  return {
    world,
    say: (text) => Promise.resolve(client.send(`PRIVMSG ${channel} :${text}`)),
    heard: ears(
      () => client.lines.length,
      (index) => {
        const { command, params } = client.lines[index]!;
        return command === 'PRIVMSG' && params[0] === channel ? params[1] : undefined;
      },
    ),
    present: () => client.open,
    leave: () => client.drop(),
  };
}

async function webWitness(port: number, room: string): Promise<Witness> {
  const client = await nativeGuest(port, 'w-web', room);
  return {
    world: 'web',
    say: (text) => client.must({ type: 'say', room, text }),
    heard: (text) => client.frames.some((frame) => frame.type === 'events' && JSON.stringify(frame).includes(`"${text}"`)),
    present: () => client.open,
    leave: () => client.drop(),
  };
}

async function xmppWitness(service: string, domain: string, room: string): Promise<Witness> {
  const client = await connectXmpp({ service, domain, user: 'alice' });
  await client.join(room, 'w-xmpp');
  return {
    world: 'xmpp',
    say: (text) => client.say(room, text),
    heard: ears(
      () => client.stanzas.length,
      (index) => client.stanzas[index]!.getChildText('body') ?? undefined,
    ),
    present: () => client.open,
    leave: () => void client.stop(),
  };
}

export interface Worlds {
  readonly room: string;
  readonly web: number;
  readonly irc: number;
  readonly inspircd: number;
  readonly ngircd: number;
  readonly xmpp: { readonly service: string; readonly domain: string; readonly room: string };
}

export async function gather(worlds: Worlds): Promise<readonly Witness[]> {
  const channel = `#${worlds.room}`;
  return [
    await webWitness(worlds.web, worlds.room),
    await ircWitness('irc', worlds.irc, channel),
    await ircWitness('inspircd', worlds.inspircd, channel),
    await ircWitness('ngircd', worlds.ngircd, channel),
    await xmppWitness(worlds.xmpp.service, worlds.xmpp.domain, worlds.xmpp.room),
  ];
}

let said = 0;

/** Each speaks once, and is heard by all others. @throws Error that names who was not heard by whom */
export async function allAreHeard(witnesses: readonly Witness[]): Promise<void> {
  for (const speaker of witnesses) {
    const text = `witness ${++said} from ${speaker.world}`;
    await speaker.say(text);
    const deaf = (): readonly string[] =>
      witnesses
        .filter((one) => one !== speaker && !one.heard(text))
        .map((one) => `${one.world}${one.present() ? '' : ' (which its own server has thrown out)'}`);
    await eventually(
      () => `"${text}" to be heard by ${deaf().join(', ')}`,
      () => deaf().length === 0,
      generous,
    );
  }
}

/** They go on speaking until `work` is over; answers with how often all were heard. @throws what `work` throws, or Error that names who was not heard */
export async function whileHeard(witnesses: readonly Witness[], work: () => Promise<void>): Promise<number> {
  let over = false;
  let rounds = 0;
  const talk = async (): Promise<void> => {
    while (!over) {
      await allAreHeard(witnesses);
      rounds += 1;
      await sleep(200);
    }
  };
  const attack = async (): Promise<void> => {
    try {
      await work();
    } finally {
      over = true;
    }
  };
  await Promise.all([talk(), attack()]);
  return rounds;
}
