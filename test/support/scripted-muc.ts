/** A room of another XMPP server as a script plays it (XEP-0045): who is in it, what it tells its occupants, and what it can be made to do wrong. */
import { parse, type Element } from 'ltx';

const muc = 'http://jabber.org/protocol/muc';

/** What somebody of the other side did, as the room accepted it. */
export type MucSight =
  | { readonly kind: 'join' | 'leave'; readonly nick: string }
  | { readonly kind: 'kick'; readonly nick: string; readonly by: string }
  | { readonly kind: 'nick'; readonly nick: string; readonly to: string }
  | { readonly kind: 'say' | 'private'; readonly nick: string; readonly text: string }
  | { readonly kind: 'topic'; readonly text: string };

export interface MucOccupant {
  nick: string;
  /** Of the other side; somebody of this side has none. */
  readonly jid: string | undefined;
  role: string;
  affiliation: string;
}

interface Said {
  readonly nick: string;
  readonly id: string;
  readonly stanzaId: string | undefined;
  readonly inside: string;
  readonly at: number;
}

export interface MucOptions {
  readonly address?: string;
  /** Whether it gives ids to messages, and says so. */
  readonly ids?: boolean;
  readonly features?: readonly string[];
  readonly now: () => number;
  /** Sends to the other side. */
  readonly send: (xml: string) => void;
}

export class ScriptedMuc {
  readonly address: string;
  readonly occupants = new Map<string, MucOccupant>();
  /** Messages that it has accepted. */
  readonly history: Said[] = [];
  readonly sights: MucSight[] = [];
  subject = '';
  /** Set: what is said is not accepted before. */
  held: (() => void)[] | undefined;
  /** Enterings are answered with that condition. */
  refuses: ((nick: string, password: string | undefined) => string | undefined) | undefined;
  /** Answers nothing at all. */
  silent = false;
  /** Every stanza that came. */
  readonly received: Element[] = [];
  readonly #options: MucOptions;
  #minted = 0;

  constructor(options: MucOptions) {
    this.#options = options;
    this.address = options.address ?? 'den@conference.far.example';
  }

  get #ids(): boolean {
    return this.#options.ids ?? true;
  }

  // ---- people of this side

  joins(nick: string, role = 'participant', affiliation = 'none'): void {
    const who: MucOccupant = { nick, jid: undefined, role, affiliation };
    this.occupants.set(nick, who);
    this.#tellAll(who);
  }

  leaves(nick: string): void {
    this.#remove(this.occupants.get(nick)!, '');
  }

  says(nick: string, text: string): void {
    this.#accept(nick, `own-${++this.#minted}`, `<body>${text}</body>`);
  }

  topic(nick: string, text: string): void {
    this.subject = text;
    this.#accept(nick, `own-${++this.#minted}`, `<subject>${text}</subject>`, false);
  }

  renames(nick: string, to: string): void {
    this.#rename(this.occupants.get(nick)!, to);
  }

  kicks(nick: string, target: string): void {
    this.#remove(this.occupants.get(target)!, '', 307, nick, 'out');
  }

  tells(nick: string, to: string, text: string): void {
    const target = this.occupants.get(to);
    this.send(
      `<message type='chat' id='p${++this.#minted}' from='${this.address}/${nick}' to='${target?.jid}'><body>${text}</body><x xmlns='${muc}#user'/></message>`,
    );
  }

  /** All of the other side are out, and it knows nothing of that. */
  forget(): void {
    for (const [nick, { jid }] of this.occupants) if (jid !== undefined) this.occupants.delete(nick);
  }

  ours(nick: string): string {
    const jid = this.occupants.get(nick)?.jid;
    if (jid === undefined) throw new Error(`nobody of the other side is ${nick}; there are ${[...this.occupants.keys()].join(' ')}`);
    return jid;
  }

  send(xml: string): void {
    this.#options.send(xml);
  }

  get #theirs(): MucOccupant[] {
    return [...this.occupants.values()].filter(({ jid }) => jid !== undefined);
  }

  #presence(who: MucOccupant, to: string, more = ''): string {
    return (
      `<presence from='${this.address}/${who.nick}' to='${to}'><x xmlns='${muc}#user'>` +
      `<item affiliation='${who.affiliation}' role='${who.role}'/>${who.jid === to ? `<status code='110'/>` : ''}${more}</x></presence>`
    );
  }

  #tellAll(who: MucOccupant): void {
    for (const { jid } of this.#theirs) if (jid !== who.jid) this.send(this.#presence(who, jid!));
  }

  #unavailable(who: MucOccupant, item: string, codes: readonly number[]): void {
    const audience = new Set([...this.#theirs.map(({ jid }) => jid!), ...(who.jid === undefined ? [] : [who.jid])]);
    for (const jid of audience)
      this.send(
        `<presence type='unavailable' from='${this.address}/${who.nick}' to='${jid}'><x xmlns='${muc}#user'>${item}` +
          `${[...codes, ...(jid === who.jid ? [110] : [])].map((code) => `<status code='${code}'/>`).join('')}</x></presence>`,
      );
  }

  #remove(who: MucOccupant, status: string, code?: number, by = '', reason = ''): void {
    this.occupants.delete(who.nick);
    const actor = by === '' ? '' : `<actor nick='${by}'/>`;
    const why = reason === '' ? '' : `<reason>${reason}</reason>`;
    void status;
    this.#unavailable(who, `<item affiliation='${who.affiliation}' role='none'>${actor}${why}</item>`, code === undefined ? [] : [code]);
  }

  #rename(who: MucOccupant, to: string): void {
    this.#unavailable(who, `<item affiliation='${who.affiliation}' role='${who.role}' nick='${to}'/>`, [303]);
    this.occupants.delete(who.nick);
    who.nick = to;
    this.occupants.set(to, who);
    for (const { jid } of this.#theirs) this.send(this.#presence(who, jid!));
  }

  #accept(nick: string, id: string, inside: string, kept = true): void {
    const said = { nick, id, inside, at: this.#options.now(), stanzaId: this.#ids ? `s${++this.#minted}` : undefined };
    if (kept) this.history.push(said);
    for (const { jid } of this.#theirs) this.#say(said, jid!);
  }

  #say({ nick, id, inside, stanzaId, at }: Said, to: string, late = false): void {
    const given = stanzaId === undefined ? '' : `<stanza-id xmlns='urn:xmpp:sid:0' by='${this.address}' id='${stanzaId}'/>`;
    const delay = late ? `<delay xmlns='urn:xmpp:delay' from='${this.address}' stamp='${new Date(at).toISOString()}'/>` : '';
    this.send(`<message type='groupchat' id='${id}' from='${this.address}/${nick}' to='${to}'>${inside}${given}${delay}</message>`);
  }

  // ---- what the other side sends

  receive(what: Element): void {
    this.received.push(what);
    if (this.silent) return;
    const { from, to, type } = what.attrs as Record<string, string>;
    const nick = to!.slice(this.address.length + 1);
    const who = this.#theirs.find(({ jid }) => jid === from);
    if (what.name === 'iq') this.#iq(what, who, nick);
    else if (what.name === 'presence' && type === 'unavailable') {
      if (who === undefined) return;
      this.sights.push({ kind: 'leave', nick: who.nick });
      this.#remove(who, '');
    } else if (what.name === 'presence' && type === undefined) this.#presenceFrom(what, from!, nick, who);
    else if (what.name === 'message' && type !== 'error') this.#messageFrom(what, who, nick);
  }

  #error(what: Element, condition: string): void {
    const { from, to, id } = what.attrs as Record<string, string>;
    this.send(
      `<${what.name} type='error' from='${to}' to='${from}'${id === undefined ? '' : ` id='${id}'`}><error type='cancel'>` +
        `<${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></${what.name}>`,
    );
  }

  #presenceFrom(what: Element, from: string, nick: string, who: MucOccupant | undefined): void {
    const x = what.getChild('x', muc);
    const holder = this.occupants.get(nick);
    if (holder !== undefined && holder !== who) {
      this.#error(what, 'conflict');
      return;
    }
    if (x === undefined) {
      if (who === undefined) this.#error(what, 'not-acceptable');
      else if (who.nick !== nick) {
        this.sights.push({ kind: 'nick', nick: who.nick, to: nick });
        this.#rename(who, nick);
      }
      return;
    }
    const condition = this.refuses?.(nick, x.getChildText('password') ?? undefined);
    if (condition !== undefined) {
      this.#error(what, condition);
      return;
    }
    if (who === undefined) this.sights.push({ kind: 'join', nick });
    const own: MucOccupant = who ?? { nick, jid: from, role: 'participant', affiliation: 'none' };
    this.occupants.set(nick, own);
    for (const other of this.occupants.values()) if (other !== own) this.send(this.#presence(other, from));
    this.send(this.#presence(own, from));
    if (who === undefined) this.#tellAll(own);
    const wanted: Readonly<Record<string, string>> | undefined = x.getChild('history')?.attrs;
    const since = wanted?.['since'] === undefined ? 0 : Date.parse(wanted['since']);
    const most = wanted?.['maxstanzas'] === undefined ? Infinity : Number(wanted['maxstanzas']);
    const shown = this.history.filter(({ at }) => at >= since);
    for (const said of most === 0 ? [] : shown.slice(-most)) this.#say(said, from, true);
    this.send(`<message type='groupchat' from='${this.address}' to='${from}'><subject>${this.subject}</subject></message>`);
  }

  #messageFrom(what: Element, who: MucOccupant | undefined, nick: string): void {
    if (who === undefined) {
      this.#error(what, 'not-acceptable');
      return;
    }
    const body = what.getChild('body');
    const subject = what.getChild('subject');
    const id = String(what.attrs['id']);
    if (nick !== '') {
      if (!this.occupants.has(nick)) this.#error(what, 'item-not-found');
      else this.sights.push({ kind: 'private', nick: who.nick, text: body?.text() ?? '' });
      return;
    }
    if (body === undefined && subject === undefined) return;
    if (body !== undefined) this.sights.push({ kind: 'say', nick: who.nick, text: body.text() });
    else {
      this.subject = subject!.text();
      this.sights.push({ kind: 'topic', text: this.subject });
    }
    const originId = what.getChild('origin-id');
    const inside = `${(body ?? subject)!.toString()}${originId?.toString() ?? ''}`;
    const accept = (): void => this.#accept(who.nick, id, inside, body !== undefined);
    if (this.held === undefined) accept();
    else this.held.push(accept);
  }

  #iq(what: Element, who: MucOccupant | undefined, nick: string): void {
    const { from, to, id, type } = what.attrs as Record<string, string>;
    const [payload] = what.getChildElements();
    if (type !== 'get' && type !== 'set') return;
    const result = (inside = ''): void => this.send(`<iq type='result' from='${to}' to='${from}' id='${id}'>${inside}</iq>`);
    if (payload?.is('query', 'http://jabber.org/protocol/disco#info') === true) {
      const features = [muc, ...(this.#ids ? ['urn:xmpp:sid:0'] : []), ...(this.#options.features ?? [])];
      result(
        `<query xmlns='http://jabber.org/protocol/disco#info'><identity category='conference' type='text'/>${features.map((feature) => `<feature var='${feature}'/>`).join('')}</query>`,
      );
    } else if (payload?.is('ping') === true) {
      if (who === undefined) this.#error(what, 'not-acceptable');
      else if (this.occupants.has(nick)) result();
      else this.#error(what, 'item-not-found');
    } else if (payload?.is('query', `${muc}#admin`) === true && who !== undefined) {
      const item = payload.getChild('item')!;
      const target = this.occupants.get(String(item.attrs['nick']));
      const { role, affiliation } = item.attrs as Record<string, string | undefined>;
      if (target === undefined) this.#error(what, 'item-not-found');
      else {
        if (role === 'none' || affiliation === 'outcast') {
          this.sights.push({ kind: 'kick', nick: target.nick, by: who.nick });
          this.#remove(target, '', affiliation === 'outcast' ? 301 : 307, who.nick, item.getChildText('reason') ?? '');
        } else {
          target.role = role ?? target.role;
          target.affiliation = affiliation ?? target.affiliation;
          for (const { jid } of this.#theirs) this.send(this.#presence(target, jid!));
        }
        result();
      }
    } else this.#error(what, 'service-unavailable');
  }
}

/** Top-level elements of a stretch of a stream. */
export function elementsOf(text: string): Element[] {
  const inner = text
    .replaceAll(/<\?xml[^>]*\?>|<stream:stream[^>]*>/g, '')
    .replaceAll('</stream:stream>', '')
    .replaceAll(/<stream:(?:features|error)[\s>].*?<\/stream:(?:features|error)>/gs, '');
  return parse(
    `<all xmlns='jabber:server' xmlns:db='jabber:server:dialback' xmlns:stream='http://etherx.jabber.org/streams'>${inner}</all>`,
  ).getChildElements();
}
