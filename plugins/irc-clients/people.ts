/**
 * Everybody as IRC clients of this server see them: one nick each, unique, kept in step with what has been shown. The core's
 * state runs ahead of delivery; this view changes only when the change is shown.
 */
import {
  addressParts,
  NickView,
  type Author,
  type Host,
  type NetworkAddress,
  type NickRules,
  type User,
  type UserAddress,
  type UserChange,
  type UserId,
  type UserView,
} from '../../server/plugin.ts';
import { safeHost, safeIdent } from '../irc/mask.ts';
import { ircNickRules } from '../irc/nick.ts';

export interface Person {
  readonly id: UserId;
  readonly address: UserAddress;
  /** The nick that IRC clients see, and the one the person has. */
  readonly nick: string;
  readonly ownNick: string;
  readonly ident: string;
  readonly host: string;
  /** `nick!ident@host`. */
  readonly source: string;
  readonly realName: string;
  /** Of this server only: clients take it for proved, and elsewhere the same name may be somebody else's. Threat class A7. */
  readonly account: string | null;
  readonly away: string | null;
  readonly network: NetworkAddress | null;
  readonly bot: boolean;
}

/** Who wrote something, as a line's source. */
export interface Source {
  readonly nick: string;
  readonly source: string;
  readonly account: string | null;
}

export interface PersonChange {
  readonly before: Person;
  readonly after: Person;
}

export interface Departed {
  readonly person: Person;
  /** Milliseconds since 1970. */
  readonly at: number;
}

const mostDeparted = 500;
/** Milliseconds for which somebody whose network is away can be written to by the nick. */
const lostFor = 3_600_000;
const nickBytes = 96;

export class People {
  readonly #host: Host;
  readonly #rules: NickRules;
  readonly #nicks: NickView;
  readonly #byId = new Map<UserId, Person>();
  readonly #byAddress = new Map<UserAddress, Person>();
  readonly #applied = new WeakMap<UserChange, PersonChange>();
  readonly #departed: Departed[] = [];
  /** Since when it is known of somebody that a split took the person away; milliseconds since 1970. */
  readonly #lostSince = new Map<UserId, number>();
  #unwatch: () => void = () => undefined;

  constructor(host: Host) {
    this.#host = host;
    this.#rules = ircNickRules({ caseMapping: 'ascii', maxBytes: nickBytes, unicode: true });
    this.#nicks = new NickView(this.#rules);
  }

  start(): void {
    const local = [...this.#host.users.all()];
    for (const user of local.toSorted((a, b) => a.since - b.since)) this.#introduce(user);
    this.#unwatch = this.#host.users.watch((change) => {
      if (change.kind === 'introduced') this.#introduce(change.user);
      else this.apply(change);
    });
  }

  stop(): void {
    this.#unwatch();
  }

  byId(id: UserId): Person | undefined {
    return this.#byId.get(id);
  }

  byAddress(address: UserAddress): Person | undefined {
    return this.#byAddress.get(address);
  }

  /** Somebody who is here, by the nick that IRC clients see. */
  byNick(nick: string): Person | undefined {
    const id = this.#nicks.userOf(nick);
    return id === undefined || this.#host.users.get(id) === undefined ? undefined : this.#byId.get(id);
  }

  /** Somebody who was lost with a network not long ago, by the nick that IRC clients saw. */
  lostByNick(nick: string): Person | undefined {
    const id = this.#nicks.userOf(nick);
    const person = id === undefined || this.#host.users.get(id) !== undefined ? undefined : this.#byId.get(id);
    return person?.network === null ? undefined : person;
  }

  /** Whether a nick can be shown to IRC clients as it is. */
  isLegal(nick: string): boolean {
    return nick !== '' && this.#rules.legalise(nick) === nick.normalize('NFC');
  }

  /** Somebody else is seen under that nick, so nobody of ours can take it. */
  isTaken(nick: string, by: UserId | undefined): boolean {
    const holder = this.byNick(nick);
    return holder !== undefined && holder.id !== by;
  }

  networkTitle(network: NetworkAddress): string | undefined {
    return this.#host.networks.get(network)?.title;
  }

  /** The person of a user that is in live state. */
  of(user: UserView): Person {
    return this.#byId.get(user.id) ?? this.#person(user, this.#nicks.assign(user.id, user.nick, this.#hint(user.network)));
  }

  #introduce(user: User): void {
    this.#forgetStale(user.nick);
    this.#keep(this.#person(user, this.#nicks.assign(user.id, user.nick, this.#hint(user.network))));
  }

  #keep(person: Person): void {
    this.#byId.set(person.id, person);
    this.#byAddress.set(person.address, person);
  }

  /** A split tells rooms, not watchers: whoever was lost by one makes way when the nick is wanted again. */
  #forgetStale(nick: string): void {
    const id = this.#nicks.userOf(this.#rules.legalise(nick));
    if (id !== undefined && this.#host.users.get(id) === undefined) this.#forget(id);
  }

  #forget(id: UserId): void {
    const person = this.#byId.get(id);
    this.#nicks.release(id);
    this.#byId.delete(id);
    this.#lostSince.delete(id);
    if (person !== undefined && this.#byAddress.get(person.address) === person) this.#byAddress.delete(person.address);
  }

  /** Forgets whoever is gone without having been seen to go: people of networks after a while, for they may come back. */
  sweep(): void {
    const now = this.#host.clock.now();
    for (const [id, { network }] of [...this.#byId]) {
      if (this.#host.users.get(id) !== undefined) continue;
      const since = this.#lostSince.get(id) ?? now;
      if (network === null || now - since > lostFor) this.#forget(id);
      else this.#lostSince.set(id, since);
    }
  }

  /** Brings a change into the view, once, and says what it looks like from IRC. */
  apply(change: UserChange): PersonChange {
    const known = this.#applied.get(change);
    if (known !== undefined) return known;
    const before = this.of(change.before);
    const applied = change.kind === 'quit' ? { before, after: before } : { before, after: this.#changed(before, change.after) };
    this.#applied.set(change, applied);
    if (change.kind === 'quit') {
      this.#forget(before.id);
      this.#remember(before);
    }
    return applied;
  }

  #changed(before: Person, view: UserView): Person {
    let { nick } = before;
    if (view.nick !== before.ownNick) {
      this.#forgetStale(view.nick);
      nick = this.#nicks.assign(view.id, view.nick, this.#hint(view.network));
    }
    const after = this.#person(view, nick);
    if (nick !== before.nick) this.#remember(before);
    if (this.#byAddress.get(before.address) === before) this.#byAddress.delete(before.address);
    this.#keep(after);
    return after;
  }

  #person(view: UserView, nick: string): Person {
    const ident = safeIdent(view.ident);
    const host = safeHost(view.host);
    const { id, address, realName, account, away, network, bot } = view;
    return {
      id,
      address,
      nick,
      ownNick: view.nick,
      ident,
      host,
      source: `${nick}!${ident}@${host}`,
      realName,
      account: network === null ? account : null,
      away,
      network,
      bot,
    };
  }

  #hint(network: NetworkAddress | null): string {
    if (network === null) return this.#host.domain;
    return this.#host.networks.get(network)?.label ?? 'elsewhere';
  }

  /** Remembers somebody who left or is called otherwise now, for WHOWAS. */
  #remember(person: Person): void {
    this.#departed.push({ person, at: this.#host.clock.now() });
    if (this.#departed.length > mostDeparted) this.#departed.shift();
  }

  /** Who had that nick, last first. */
  whoWas(nick: string): readonly Departed[] {
    const folded = this.#rules.fold(nick);
    return this.#departed.filter(({ person }) => this.#rules.fold(person.nick) === folded).toReversed();
  }

  /** Who wrote something just now. */
  author(author: Author): Source {
    return this.#byAddress.get(author.address) ?? this.#stranger(author);
  }

  /** Who wrote something some time ago: under the nick of then, where it is not somebody else's now. */
  pastAuthor(author: Author): Source {
    const person = this.#byAddress.get(author.address);
    if (person === undefined) return this.#stranger(author);
    if (person.ownNick === author.nick) return person;
    const nick = this.#rules.legalise(author.nick);
    return { nick, source: `${nick}!${person.ident}@${person.host}`, account: person.account };
  }

  #stranger(author: Author): Source {
    const nick = this.#rules.legalise(author.nick);
    return { nick, source: `${nick}!${safeIdent(nick)}@${safeHost(hostOf(author))}`, account: null };
  }
}

function hostOf(author: Author): string {
  try {
    const { domain, label } = addressParts(author.address);
    return label ?? domain;
  } catch {
    return 'unknown';
  }
}
