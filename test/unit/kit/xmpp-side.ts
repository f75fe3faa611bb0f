/** Another XMPP server as the contract plays it, over the virtual net: dialback, and clients that sit in one room. */
import { parse, type Element } from 'ltx';
import { parseUserAddress } from '../../../server/model/address.ts';
import type { KitServer, Peer, PeerHost, Sight } from '../../kit/index.ts';

const own = 'chat.example';
const rooms = `rooms.${own}`;
const room = `lounge@${rooms}`;
const far = 'far.example';
const muc = 'http://jabber.org/protocol/muc';
const port = 5269;

/** One client there: what it holds for true of the room. */
interface Client {
  nick: string;
  readonly jid: string;
  readonly members: Set<string>;
  readonly sights: Sight[];
}

export class XmppSide {
  readonly #server: KitServer;
  readonly #clients = new Map<string, Client>();
  #host!: PeerHost;
  /** The stream that we opened. */
  stream!: Peer;
  /** Those that the server opened to us. */
  readonly opened = new Set<Peer>();
  #made = 0;
  /** When the link broke, for what is asked of the history then. */
  #brokenAt: number | undefined;

  constructor(server: KitServer) {
    this.#server = server;
  }

  /** Can be dialled, dials, and proves itself for the rooms and for the people. */
  async link(): Promise<void> {
    this.#host = this.#server.host(far, port, { lineEnd: '', answer: (text, peer) => this.#answer(text, peer) });
    this.stream = this.#server.connect('xmpp-server', { lineEnd: '', answer: (text) => this.#read(text) });
    this.stream.send(header(rooms));
    for (const to of [rooms, own]) this.stream.send(`<db:result from='${far}' to='${to}'>key</db:result>`);
    await this.#server.settle();
    await this.stream.expect(/from='chat\.example'[^>]* type='valid'|type='valid'[^>]* from='chat\.example'/);
  }

  async break(): Promise<void> {
    this.#brokenAt = this.#server.clock.now();
    this.#host.close();
    this.#clients.clear();
    for (const peer of [this.stream, ...this.opened]) if (peer.closed === undefined) await peer.cut();
    this.opened.clear();
  }

  // ---- what our side says

  /** The other side of the streams that our server opens: everything is believed. */
  #answer(text: string, peer: Peer): void {
    this.opened.add(peer);
    if (text.includes('<stream:stream')) {
      const to = /<stream:stream[^>]* from='([^']*)'/.exec(text)![1]!;
      peer.send(
        `${header(to, ` id='far-${++this.#made}'`)}<stream:features><dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback></stream:features>`,
      );
    }
    for (const element of elementsOf(text)) {
      const { from, to, id } = element.attrs as Record<string, string>;
      if (element.is('result', 'jabber:server:dialback')) peer.send(`<db:result from='${to}' to='${from}' type='valid'/>`);
      else if (element.is('verify', 'jabber:server:dialback')) peer.send(`<db:verify from='${to}' to='${from}' id='${id}' type='valid'/>`);
      else this.#stanza(element);
    }
  }

  /** On our own stream nothing comes but answers to dialback. */
  #read(text: string): void {
    for (const element of elementsOf(text)) if (element.attrs['type'] === 'error') throw new Error(String(element));
  }

  #stanza(stanza: Element): void {
    const to = String(stanza.attrs['to']);
    const client = [...this.#clients.values()].find(({ jid }) => jid === to || jid.split('/')[0] === to);
    if (stanza.name === 'iq') {
      const type = client === undefined ? 'error' : 'result';
      if (stanza.attrs['type'] === 'get')
        this.stream.send(`<iq type='${type}' id='${stanza.attrs['id']}' from='${to}' to='${stanza.attrs['from']}'/>`);
    } else if (client !== undefined) client.sights.push(...this.#sights(client, stanza));
  }

  #sights(client: Client, stanza: Element): Sight[] {
    const from = String(stanza.attrs['from']);
    const nick = from.startsWith(`${room}/`) ? from.slice(room.length + 1) : this.#nickOf(from);
    const body = stanza.getChildText('body');
    const subject = stanza.getChildText('subject');
    if (stanza.attrs['type'] === 'error') return [{ kind: 'other', text: String(stanza) }];
    if (stanza.name === 'presence') return this.#presence(client, stanza, nick);
    if (stanza.attrs['type'] === 'groupchat' && body !== null) return [{ kind: 'say', nick, text: body }];
    if (subject !== null) return stanza.getChild('delay') === undefined && subject !== '' ? [{ kind: 'topic', text: subject }] : [];
    return body === null ? [{ kind: 'other', text: String(stanza) }] : [{ kind: 'private', nick, text: body }];
  }

  #presence({ members }: Client, stanza: Element, nick: string): Sight[] {
    const x = stanza.getChild('x', `${muc}#user`);
    const codes = (x?.getChildren('status') ?? []).map((status) => String(status.attrs['code']));
    const item = x?.getChild('item');
    if (stanza.attrs['type'] !== 'unavailable') {
      const known = members.has(nick);
      members.add(nick);
      return known ? [] : [{ kind: 'join', nick }];
    }
    members.delete(nick);
    if (codes.includes('303')) {
      const to = String(item?.attrs['nick']);
      members.add(to);
      return [{ kind: 'nick', nick, to }];
    }
    if (codes.includes('307')) return [{ kind: 'kick', nick, by: String(item?.getChild('actor')?.attrs['nick']) }];
    return [{ kind: 'leave', nick }];
  }

  /** Guests write from an address that has no nick in it. */
  #nickOf(jid: string): string {
    const local = jid.split('@')[0]!;
    return local.startsWith('guest-')
      ? (this.#server.core.users.byAddress(parseUserAddress(`banyan://${own}/~${local}`))?.nick ?? local)
      : local;
  }

  // ---- what their clients do

  client(nick: string): Client {
    const client = this.#clients.get(nick);
    if (client === undefined) throw new Error(`nobody is called ${nick} there`);
    return client;
  }

  /** Whoever comes back asks for what was said since the break. */
  enter(nick: string): void {
    const client: Client = { nick, jid: `${nick}@${far}/phone`, members: new Set(), sights: [] };
    this.#clients.set(nick, client);
    const wanted = this.#brokenAt === undefined ? `maxstanzas='0'` : `since='${new Date(this.#brokenAt).toISOString()}'`;
    this.#send(`<presence from='${client.jid}' to='${room}/${nick}'><x xmlns='${muc}'><history ${wanted}/></x></presence>`);
  }

  leave(nick: string): void {
    this.#send(`<presence from='${this.client(nick).jid}' to='${room}/${nick}' type='unavailable'/>`);
  }

  rename(nick: string, to: string): void {
    const client = this.client(nick);
    this.#clients.delete(nick);
    this.#clients.set(to, client);
    client.nick = to;
    this.#send(`<presence from='${client.jid}' to='${room}/${to}'/>`);
  }

  message(nick: string, inside: string, to = room, type = 'groupchat'): void {
    this.#send(`<message from='${this.client(nick).jid}' to='${to}' type='${type}'>${inside}</message>`);
  }

  kick(nick: string, target: string): void {
    this.#send(
      `<iq from='${this.client(nick).jid}' to='${room}' type='set' id='k${++this.#made}'>` +
        `<query xmlns='${muc}#admin'><item nick='${target}' role='none'/></query></iq>`,
    );
  }

  addressOf(nick: string): string {
    return `${nick}@${own}`;
  }

  #send(xml: string): void {
    this.stream.send(xml);
  }
}

function header(to: string, more = ''): string {
  return (
    `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'` +
    ` xmlns:db='jabber:server:dialback' from='${far}' to='${to}'${more} version='1.0'>`
  );
}

/** Top-level elements of a stretch of a stream. */
function elementsOf(text: string): Element[] {
  const inner = text
    .replaceAll(/<\?xml[^>]*\?>|<stream:stream[^>]*>/g, '')
    .replaceAll('</stream:stream>', '')
    .replaceAll(/<stream:(?:features|error)[\s>].*?<\/stream:(?:features|error)>/gs, '');
  return parse(
    `<all xmlns='jabber:server' xmlns:db='jabber:server:dialback' xmlns:stream='http://etherx.jabber.org/streams'>${inner}</all>`,
  ).getChildElements();
}
