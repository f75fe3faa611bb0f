/** A lively room: people of the page, of IRC here, of an IRC network and of an XMPP server, as the page is to be looked at. */
import type { Page } from 'playwright-core';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { startInspircd } from '../support/inspircd.ts';
import { connectIrc, type IrcClient } from '../support/irc-client.ts';
import { connectNative, nativeGuest, type NativeClient } from '../support/native-client.ts';
import { freePort } from '../support/ports.ts';
import { startProsody } from '../support/prosody.ts';
import { eventually } from '../support/wait.ts';
import { connectXmpp, type XmppClient } from '../support/xmpp-client.ts';

export interface Scene {
  readonly banyan: Banyan;
  /** Account of the person at the page. */
  readonly account: { readonly name: string; readonly password: string };
  stop(): Promise<void>;
}

const domain = 'banyan.example';
const room = 'lounge';
const channel = `#${room}`;
const account = { name: 'maya', password: 'maya-password' };

/** Who is here: a person speaks by the client that fits. */
interface Cast {
  readonly web: ReadonlyMap<string, NativeClient>;
  readonly irc: ReadonlyMap<string, IrcClient>;
  readonly xmpp: XmppClient;
}

const talk: readonly (readonly [who: string, text: string])[] = [
  ['ines', 'Good morning! The greenhouse sensors are online again ☀'],
  ['ines', 'Turns out the gateway only wanted a new battery.'],
  ['otto', 'nice, so it was not the firmware after all'],
  ['juliet', 'Reading along from my XMPP client on the train. Is there a graph somewhere?'],
  ['ines', 'https://greenhouse.example/graphs?days=7 (the dip on Tuesday was me opening the roof)'],
  ['kwame', '/me waters the tomatoes, just to see the curve move'],
  ['otto', 'maya: did you get my patch for the export script?'],
  ['maya', 'Yes, merged this morning. Thank you! One question: why the sleep(2) before the upload?'],
  ['otto', 'the upload refuses more than one file a second, and I was too lazy for a queue'],
  ['kwame', 'שלום לכולם, I am back from the workshop'],
  ['ines', 'Welcome back! Cake is in the kitchen'],
  ['maya', 'Then the meeting starts at four, in the kitchen.'],
];

/** Starts everything and lets them talk; nobody is left running when it fails. */
export async function startScene(): Promise<Scene> {
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const federation = await freePort();
    const records = [domain, `rooms.${domain}`, `users.${domain}`].map((name) => ({ domain: name, port: federation }));
    const inspircd = await startInspircd();
    undo.push(() => inspircd.stop());
    const prosody = await startProsody({ mode: 'dialback', records });
    undo.push(() => prosody.stop());
    const peers = [prosody.domain, prosody.roomDomain]
      .map((name) => `[[plugins.xmpp.peers]]\ndomain = "${name}"\nhost = "127.0.0.1"\nport = ${prosody.serverPort}`)
      .join('\n');
    const banyan = await startBanyan({
      domain,
      settings: 'title = "Community Garden"',
      tables: [
        `[[rooms]]\nname = "${room}"\ntopic = "Seeds, sensors and small talk · open day on Saturday · https://garden.example"`,
        `[plugins.irc-link]\n\n[[plugins.irc-link.networks]]\nlabel = "gardennet"\ntitle = "GardenNet"\nserver_name = "irc.${domain}"\nserver_id = "9BN"
peer_name = "${inspircd.name}"\naddress = "127.0.0.1:${inspircd.linkPort}"\ntls = false
password_send = "${inspircd.password}"\npassword_receive = "${inspircd.password}"\nrooms = ["${room}"]\nservice_nick = "banyan"`,
        `[plugins.xmpp]\nlisten = ["127.0.0.1:${federation}"]\nlisten_tls = []\n${peers}`,
      ],
    });
    undo.push(() => banyan.stop());
    await banyan.account(account.name, account.password, { administrator: true });
    const xmpp = await connectXmpp({ service: prosody.websocket, domain: prosody.domain, user: 'alice' });
    undo.push(() => xmpp.stop());
    const maya = await connectNative(banyan.port('web'));
    undo.push(() => maya.stop());
    await maya.must({ type: 'sign-in', ...account });
    await maya.must({ type: 'join', room });
    const ines = await nativeGuest(banyan.port('web'), 'ines', room);
    undo.push(() => ines.stop());
    const kwame = await connectIrc({ port: banyan.port('irc'), nick: 'kwame' });
    undo.push(() => kwame.quit());
    await kwame.join(channel);
    const [otto, lena, raj] = await Promise.all(['otto', 'lena', 'raj'].map((nick) => connectIrc({ port: inspircd.port, nick })));
    for (const one of [otto!, lena!, raj!]) {
      undo.push(() => one.quit());
      await one.join(channel);
    }
    await xmpp.join(`${room}@rooms.${domain}`, 'juliet');
    lena!.send('AWAY :at lunch');
    const cast: Cast = {
      web: new Map([
        ['maya', maya],
        ['ines', ines],
      ]),
      irc: new Map([
        ['kwame', kwame],
        ['otto', otto!],
      ]),
      xmpp,
    };
    await eventually('everybody in the room', () => new Set(namesSeenBy(maya)).size >= 6);
    for (const [who, text] of talk) await say(cast, maya, who, text);
    raj!.send(`PART ${channel} :back in the evening`);
    for (const [name, topic, texts] of otherRooms) {
      await ines.must({ type: 'join', room: name });
      await maya.must({ type: 'join', room: name });
      await ines.must({ type: 'topic', room: name, topic });
      for (const text of texts) await ines.must({ type: 'say', room: name, text });
    }
    await ines.must({ type: 'private', to: 'maya', text: 'Shall I book the hall for Saturday?' });
    otto!.send(`PRIVMSG ${account.name} :have a look at the second patch when you find the time`);
    return { banyan, account, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const otherRooms: readonly (readonly [name: string, topic: string, texts: readonly string[]])[] = [
  ['workshop', 'What is being built', ['The new compost frame is done.', 'Pictures follow.']],
  ['library', 'Books about soil', []],
];

function namesSeenBy(client: NativeClient): string[] {
  const rooms = client.frames.filter((frame) => frame.type === 'room' && frame['name'] === room);
  const inside = rooms.flatMap((frame) => frame['members'] as { nick: string }[]);
  const came = client.items.filter((item) => item['kind'] === 'joined').flatMap((item) => item['members'] as { nick: string }[]);
  return [...inside, ...came].map(({ nick }) => nick);
}

/** Says it, and waits until it is in the room. */
async function say(cast: Cast, watcher: NativeClient, who: string, line: string): Promise<void> {
  const action = line.startsWith('/me ');
  const text = action ? line.slice(4) : line;
  const web = cast.web.get(who);
  if (web !== undefined) await web.must({ type: 'say', room, text, style: action ? 'action' : 'normal' });
  else if (who === 'juliet') await cast.xmpp.say(`${room}@rooms.${domain}`, line);
  else cast.irc.get(who)!.send(`PRIVMSG ${channel} :${action ? `\u0001ACTION ${text}\u0001` : text}`);
  await watcher.expectItem(`"${text}"`, (item) => item['kind'] === 'message' && item['text'] === text);
}

/** Signs in to the account and waits for the room. */
export async function signInTo(page: Page, scene: Scene): Promise<void> {
  await page.goto(scene.banyan.page);
  await page.getByTestId('way-sign-in').click();
  await page.getByTestId('name').fill(scene.account.name);
  await page.getByTestId('password').fill(scene.account.password);
  await page.getByTestId('enter').click();
  await page
    .getByTestId('message')
    .filter({ hasText: talk.at(-1)![1] })
    .waitFor();
}
