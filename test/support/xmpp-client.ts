import { client, xml } from '@xmpp/client';
import type { Element } from 'ltx';
import { WebSocket } from 'ws';
import { eventually } from './wait.ts';

export { xml };

/** @xmpp/client expects the browser's global, which Node 20 has not. */
Object.assign(globalThis, { WebSocket });

export interface XmppClientOptions {
  /** `Prosody.websocket`. */
  readonly service: string;
  readonly domain: string;
  readonly user: string;
  readonly password?: string;
  readonly resource?: string;
}

/** An XMPP user on a real server, keeping every stanza it gets. */
export interface XmppClient {
  /** Full address. */
  readonly jid: string;
  /** Everything received, oldest first. */
  readonly stanzas: readonly Element[];
  send(stanza: Element): Promise<void>;
  /** Sends an iq and resolves with the answer, errors too. */
  ask(to: string, type: 'get' | 'set', payload: Element, within?: number): Promise<Element>;
  /** The first stanza, from `since` on (an index of `stanzas`), that matches; waits for it. */
  expect(
    what: string,
    matches: (stanza: Element) => boolean,
    options?: { readonly since?: number; readonly within?: number },
  ): Promise<Element>;
  /** Enters a room (XEP-0045) and resolves with the own presence (status 110); rejects with the error's condition. */
  join(
    room: string,
    nick: string,
    options?: { readonly history?: Readonly<Record<string, string>>; readonly password?: string },
  ): Promise<Element>;
  leave(room: string, nick: string): Promise<void>;
  /** Says something in a room; answers with the stanza's id. */
  say(room: string, body: string): Promise<string>;
  message(to: string, body: string): Promise<string>;
  /** The connection stands. */
  readonly open: boolean;
  stop(): Promise<void>;
}

let ids = 0;

/** Logs in over WebSocket (no TLS: it stays on this machine), sends initial presence. */
export async function connectXmpp(options: XmppClientOptions): Promise<XmppClient> {
  const connection = client({
    service: options.service,
    domain: options.domain,
    username: options.user,
    password: options.password ?? 'secret',
    resource: options.resource ?? 'test',
  });
  connection.reconnect.stop();
  // @xmpp/client counts a stanza too many, for which Prosody closes the stream: it shall not see that Prosody offers XEP-0198.
  connection.prependListener('element', (element: Element) => {
    if (element.is('features', 'http://etherx.jabber.org/streams')) for (const offer of element.getChildren('sm')) element.remove(offer);
  });
  const stanzas: Element[] = [];
  const errors: Error[] = [];
  connection.on('stanza', (stanza) => stanzas.push(stanza));
  connection.on('error', (error) => errors.push(error));
  let open = true;
  connection.on('disconnect', () => (open = false));
  const jid = (await connection.start()).toString();
  await connection.send(xml('presence'));

  const user: XmppClient = {
    jid,
    stanzas,
    get open() {
      return open;
    },
    send: (stanza) => connection.send(stanza),
    async ask(to, type, payload, within = 10_000) {
      const id = `ask-${(ids += 1)}`;
      const since = stanzas.length;
      await connection.send(xml('iq', { to, type, id }, payload));
      return await user.expect(`the answer to ${type} ${payload.name} at ${to}`, (stanza) => stanza.is('iq') && stanza.attrs.id === id, {
        since,
        within,
      });
    },
    async expect(what, matches, { since = 0, within } = {}) {
      return await eventually(
        () => `${jid} to see ${what}; since then it saw:\n${stanzas.slice(since).slice(-30).join('\n')}`,
        () => stanzas.slice(since).find(matches),
        within,
      );
    },
    async join(room, nick, { history = { maxstanzas: '0' }, password } = {}) {
      const since = stanzas.length;
      await connection.send(
        xml(
          'presence',
          { to: `${room}/${nick}` },
          xml(
            'x',
            { xmlns: 'http://jabber.org/protocol/muc' },
            xml('history', history),
            password === undefined ? undefined : xml('password', {}, password),
          ),
        ),
      );
      const answer = await user.expect(
        `its own presence in ${room}`,
        (stanza) =>
          stanza.is('presence') &&
          String(stanza.attrs.from).startsWith(room) &&
          (stanza.attrs.type === 'error' || statusCodes(stanza).includes('110')),
        { since, within: 20_000 },
      );
      if (answer.attrs.type === 'error') {
        throw new Error(`${room} refused ${jid}: ${answer.getChild('error')?.children.map(String).join('')}`);
      }
      return answer;
    },
    async leave(room, nick) {
      const since = stanzas.length;
      await connection.send(xml('presence', { to: `${room}/${nick}`, type: 'unavailable' }));
      await user.expect(
        `that it left ${room}`,
        (stanza) =>
          stanza.is('presence') &&
          stanza.attrs.type === 'unavailable' &&
          String(stanza.attrs.from).startsWith(`${room}/`) &&
          statusCodes(stanza).includes('110'),
        { since },
      );
    },
    async say(room, body) {
      const id = `say-${(ids += 1)}`;
      await connection.send(xml('message', { to: room, type: 'groupchat', id }, xml('body', {}, body)));
      return id;
    },
    async message(to, body) {
      const id = `message-${(ids += 1)}`;
      await connection.send(xml('message', { to, type: 'chat', id }, xml('body', {}, body)));
      return id;
    },
    async stop() {
      await connection.stop();
    },
  };
  return user;
}

/** Codes of the status elements of a room's presence or message (XEP-0045 section 15.6). */
export function statusCodes(stanza: Element): string[] {
  const about = stanza.getChild('x', 'http://jabber.org/protocol/muc#user');
  return (about?.getChildren('status') ?? []).map((status) => String(status.attrs.code));
}
