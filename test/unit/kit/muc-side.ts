/** A room of another XMPP server as the contract plays it, over the virtual net: dialback, and the room. */
import type { ForeignHome, KitServer, Peer, PeerHost, StartedPlugin } from '../../kit/index.ts';
import type { Element } from 'ltx';
import { elementsOf, ScriptedMuc, type MucOptions } from '../../support/scripted-muc.ts';
import xmpp from '../../../plugins/xmpp/index.ts';

const own = 'chat.example';
const far = 'conference.far.example';
const address = `den@${far}`;
const port = 5269;
/** Time in which the plugin has tried again, milliseconds. */
const longEnough = 130_000;

export class MucSide {
  readonly #server: KitServer;
  readonly muc: ScriptedMuc;
  #host: PeerHost | undefined;
  #stream: Peer | undefined;
  readonly #theirs = new Set<Peer>();
  /** What it says before it has dialled. */
  #waiting: string[] = [];
  readonly #others: Element[] = [];
  #made = 0;

  constructor(server: KitServer, options: Pick<MucOptions, 'ids' | 'features'> = {}) {
    this.#server = server;
    this.muc = new ScriptedMuc({
      ...options,
      now: () => server.clock.now(),
      send: (xml) => {
        if (this.#stream === undefined) this.#waiting.push(xml);
        else this.#stream.send(xml);
      },
    });
  }

  /** Can be dialled. */
  listen(): void {
    this.#host = this.#server.host(far, port, { lineEnd: '', answer: (text, peer) => this.#answer(text, peer) });
  }

  async dial(): Promise<void> {
    const stream = this.#server.connect('xmpp-server', { lineEnd: '' });
    stream.send(header(own));
    for (const to of [own, `rooms.${own}`, `users.${own}`]) {
      stream.send(`<db:result from='${far}' to='${to}'>key</db:result>`);
      await stream.expect(new RegExp(`from='${to}'[^>]* type='valid'|type='valid'[^>]* from='${to}'`));
    }
    this.#stream = stream;
    for (const xml of this.#waiting.splice(0)) stream.send(xml);
  }

  /** What came for somebody there who is no room. @throws Error when there was no such stanza */
  async heard(matches: (stanza: Element) => boolean): Promise<Element> {
    await this.#server.settle();
    const found = this.#others.find(matches);
    if (found === undefined) throw new Error(`the other side has heard only: ${this.#others.join('\n')}`);
    return found;
  }

  /** Says something on its stream, of whatever kind. */
  async say(xml: string): Promise<void> {
    this.#stream?.send(xml);
    await this.#server.settle();
  }

  async break(): Promise<void> {
    this.#host?.close();
    for (const peer of [...(this.#stream === undefined ? [] : [this.#stream]), ...this.#theirs])
      if (peer.closed === undefined) await peer.cut();
    this.#stream = undefined;
    this.#waiting = [];
    this.#theirs.clear();
  }

  async rave(bytes: Buffer): Promise<void> {
    this.#stream?.send(bytes);
    await this.#server.settle();
    if (this.#stream?.closed === undefined) await this.#stream?.cut();
    this.#stream = undefined;
    await this.dial();
  }

  #answer(text: string, peer: Peer): void {
    this.#theirs.add(peer);
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
      else if (to?.startsWith(address) === true) this.muc.receive(element);
      else if (element.name !== 'iq') this.#others.push(element);
      else if (element.name === 'iq' && element.attrs['type'] === 'get')
        this.#stream?.send(`<iq type='result' id='${id}' from='${to}' to='${from}'/>`);
    }
  }
}

/** The side that plays at a server: of two that are opened one after the other, the second takes the first's place. */
const playing = new WeakMap<KitServer, MucSide>();

/** Starts the plugin, with that room within reach. */
export async function startBeside(server: KitServer, side: MucSide): Promise<StartedPlugin> {
  side.listen();
  const plugin = await server.start(xmpp, { listen: ['127.0.0.1:5269'], listen_tls: [], require_tls: false });
  await side.dial();
  return plugin;
}

export async function openMuc(server: KitServer): Promise<ForeignHome> {
  await playing.get(server)?.break();
  const side = new MucSide(server);
  playing.set(server, side);
  const plugin = await startBeside(server, side);
  const { muc } = side;
  const shared = server.core.aliases.alias('lounge', address);
  if (!shared.ok) throw new Error(shared.refusal.text);
  await server.settle();
  muc.sights.length = 0;
  return {
    plugin,
    joins: (nick) => muc.joins(nick),
    leaves: (nick) => muc.leaves(nick),
    says: (nick, text) => muc.says(nick, text),
    tells: (nick, to, text) => muc.tells(nick, to, text),
    renames: (nick, to) => muc.renames(nick, to),
    topic: (nick, text) => muc.topic(nick, text),
    kicks: (nick, target) => muc.kicks(nick, target),
    saw: () => muc.sights.splice(0),
    members: () => [...muc.occupants.keys()],
    breaks() {
      muc.occupants.clear();
      return side.break();
    },
    async returns(nicks) {
      for (const nick of nicks) muc.joins(nick);
      side.listen();
      await side.dial();
      await server.advance(longEnough);
    },
    raves: (bytes) => side.rave(bytes),
    holds() {
      muc.held = [];
    },
    accepts() {
      const { held = [] } = muc;
      muc.held = undefined;
      for (const accept of held) accept();
    },
  };
}

function header(to: string, more = ''): string {
  return (
    `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'` +
    ` xmlns:db='jabber:server:dialback' from='${far}' to='${to}'${more} version='1.0'>`
  );
}
