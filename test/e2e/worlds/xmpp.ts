import type { Element } from 'ltx';
import { statusCodes, xml, type XmppClient } from '../../support/xmpp-client.ts';
import { eventually } from '../../support/wait.ts';
import { Notebook, type Person, type World } from './world.ts';

const mucUser = 'http://jabber.org/protocol/muc#user';
const mucAdmin = 'http://jabber.org/protocol/muc#admin';

export interface XmppWorldOptions {
  /** Logs in; called again after the connection is lost. */
  readonly connect: () => Promise<XmppClient>;
  readonly room: string;
  readonly nick: string;
}

/** Somebody on an XMPP server, as an occupant of a room on any server (XEP-0045). */
export async function xmppWorld(person: Person, { room, nick: wanted, connect }: XmppWorldOptions): Promise<World> {
  const notebook = new Notebook();
  const occupants = new Set<string>();
  /** Shown to moderators only. */
  const realAddresses = new Map<string, string>();
  let own = wanted;
  let inside = false;
  let read = 0;
  let banned: string | undefined;
  /** Ids that the room gave (XEP-0359): what comes live and in the history again is one message. */
  const ids = new Set<string>();
  /** New nicks announced by status 303, whose presence is no joining. */
  const renamed = new Set<string>();

  let client = await connect();
  notebook.know(own, person);
  await client.join(room, own);
  look();

  function look(): void {
    for (; read < client.stanzas.length; read += 1) observe(client.stanzas[read]!);
  }

  function observe(stanza: Element): void {
    const [from, ...resource] = String(stanza.attrs.from).split('/') as [string, ...string[]];
    const nick = resource.join('/');
    if (stanza.is('presence') && from === room && nick !== '') presence(stanza, nick);
    if (!stanza.is('message') || stanza.attrs.type === 'error') return;
    const text = stanza.getChildText('body');
    if (stanza.attrs.type === 'groupchat') {
      if (from !== room) return;
      // The room stamps its history; whoever else stamps a message held it back while there was no way (XEP-0203).
      const replayed = stanza.getChildren('delay').some((each) => each.attrs.from === room);
      const id = stanza.getChildren('stanza-id').find((each) => each.attrs.by === room)?.attrs.id as unknown;
      if (typeof id === 'string') {
        if (ids.has(id)) return;
        ids.add(id);
      }
      if (nick !== '' && text !== null && text !== undefined) {
        if (text.startsWith('/me ')) notebook.see({ kind: 'action', from: nick, text: text.slice(4), replayed });
        else notebook.see({ kind: 'message', from: nick, text, replayed });
      } else if (stanza.getChild('subject') !== undefined && inside && !replayed) {
        notebook.see({ kind: 'topic', from: nick, text: stanza.getChildText('subject') ?? '' });
      }
    } else if (text !== null && text !== undefined) {
      notebook.see({ kind: 'private', from: from === room ? nick : outside(from), text });
    }
  }

  /** The nick in the room of whoever wrote from outside it. */
  function outside(address: string): string {
    for (const [nick, real] of realAddresses) if (real === address) return nick;
    return address;
  }

  function presence(stanza: Element, nick: string): void {
    if (stanza.attrs.type === 'error') return;
    const codes = statusCodes(stanza);
    const item = stanza.getChild('x', mucUser)?.getChild('item');
    const self = codes.includes('110');
    if (stanza.attrs.type !== 'unavailable') {
      if (typeof item?.attrs.jid === 'string') realAddresses.set(nick, item.attrs.jid.split('/')[0]!);
      if (self) {
        own = nick;
        inside = true;
      }
      if (occupants.has(nick)) return;
      occupants.add(nick);
      if (!renamed.delete(nick) && (inside || self)) notebook.see({ kind: 'joined', who: nick });
      return;
    }
    occupants.delete(nick);
    if (codes.includes('303')) {
      const next = String(item?.attrs.nick);
      const real = realAddresses.get(nick);
      if (real !== undefined) realAddresses.set(next, real);
      renamed.add(next);
      if (self) own = next;
      notebook.see({ kind: 'nick', from: nick, to: next });
      return;
    }
    if (self) {
      inside = false;
      occupants.clear();
    }
    if (codes.includes('307') || codes.includes('301')) {
      notebook.see({ kind: 'removed', from: String(item?.getChild('actor')?.attrs.nick ?? ''), who: nick });
    } else notebook.see({ kind: 'left', who: nick });
  }

  async function administer(item: Element): Promise<void> {
    const answer = await client.ask(room, 'set', xml('query', { xmlns: mucAdmin }, item));
    if (answer.attrs.type === 'error') throw new Error(`${room} refused ${item.toString()}: ${answer.toString()}`);
  }

  /** Sends a message to the room and waits until it comes back: only then did it happen. */
  async function reflected(id: string): Promise<void> {
    const answer = await client.expect(
      `the reflection of message ${id}`,
      (stanza) => stanza.is('message') && stanza.attrs.id === id && ['groupchat', 'error'].includes(String(stanza.attrs.type)),
    );
    if (answer.attrs.type === 'error') throw new Error(`the room refused: ${answer.toString()}`);
  }

  return {
    person,
    get observed() {
      look();
      return notebook.observed;
    },
    say: async (text) => await reflected(await client.say(room, text)),
    async mutter(text) {
      await client.say(room, text);
    },
    act: async (text) => await reflected(await client.say(room, `/me ${text}`)),
    async privateTo(whom, text) {
      look();
      const message = xml(
        'message',
        { to: `${room}/${notebook.nameOf(whom)}`, type: 'chat', id: `private-${text}` },
        xml('body', {}, text),
        xml('x', { xmlns: mucUser }),
      );
      await client.send(message);
    },
    async nick(nick) {
      await client.send(xml('presence', { to: `${room}/${nick}` }));
      await eventually(`the own nick to be ${nick}`, () => {
        look();
        return own === nick;
      });
    },
    async topic(text) {
      const id = `topic-${text}`;
      await client.send(xml('message', { to: room, type: 'groupchat', id }, xml('subject', {}, text)));
      await eventually(`the topic to be "${text}"`, () => {
        look();
        return notebook.observed.some((each) => each.kind === 'topic' && each.text === text);
      });
    },
    async kick(whom, reason) {
      look();
      await administer(xml('item', { nick: notebook.nameOf(whom), role: 'none' }, xml('reason', {}, reason)));
    },
    async ban(whom, reason) {
      look();
      const name = notebook.nameOf(whom);
      banned = realAddresses.get(name);
      if (banned === undefined) throw new Error(`${room} does not show the address of ${name} to a moderator`);
      await administer(xml('item', { jid: banned, affiliation: 'outcast' }, xml('reason', {}, reason)));
    },
    async unban() {
      await administer(xml('item', { jid: banned, affiliation: 'none' }));
      banned = undefined;
    },
    leave: async () => await client.leave(room, own),
    async return() {
      await client.join(room, own);
    },
    async reconnect() {
      look();
      if (!client.open) {
        client = await connect();
        read = 0;
      }
      occupants.clear();
      inside = false;
      await client.join(room, own, { history: { maxstanzas: '1000' } });
      await eventually('the subject, which ends the history', () => {
        look();
        return inside;
      });
    },
    members() {
      look();
      return Promise.resolve([...occupants].map((name) => notebook.who(name)));
    },
    stop: () => client.stop(),
  };
}
