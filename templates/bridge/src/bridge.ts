/** The network and the core: what happens on one side is told on the other. */
import {
  ircNetworkAddress,
  ircUserAddress,
  NickView,
  plainText,
  type Host,
  type Network,
  type NetworkHandler,
  type PrivateRecord,
  type User,
  type UserAddress,
  type UserChange,
  type UserId,
} from 'banyan/plugin';
import { oneLineTexts, type Line } from './codec.ts';
import type { Config } from './config.ts';
import { Link } from './link.ts';
import { isNick, nickRules } from './names.ts';
import { SharedRoom } from './shared-room.ts';

export class Bridge implements NetworkHandler {
  readonly host: Host;
  readonly network: Network;
  readonly link: Link;
  /** Our people's nicks over there. */
  readonly nicks = new NickView(nickRules);
  readonly #rooms: SharedRoom[] = [];
  /** Their people, by folded nick. */
  readonly #theirs = new Map<string, User>();

  constructor(host: Host, config: Config) {
    this.host = host;
    const address = ircNetworkAddress(config.label, host.domain);
    this.network = host.networks.declare({ address, title: config.label, label: config.label }, this);
    this.link = new Link(host, config, {
      opened: () => this.#rooms.forEach((room) => room.opened()),
      line: (line) => this.#line(line),
      lost: (reason) => this.#lost(reason),
    });
  }

  /** @throws Error when a room cannot be */
  async start(rooms: readonly string[]): Promise<void> {
    for (const name of rooms) {
      const made = this.host.rooms.ensure(name, { persistent: true });
      if (!made.ok) throw new Error(`the room ${name} cannot be made: ${made.refusal.text}`);
      this.#rooms.push(await SharedRoom.share(this, made.value));
    }
    this.link.start();
  }

  stop(): void {
    this.link.stop();
    this.network.withdraw('the link was ended');
  }

  /** Everybody who was behind the link is lost at once. */
  #lost(reason: string): void {
    for (const room of this.#rooms) room.lost();
    this.network.announce(false, reason);
    this.network.split([...this.#theirs.values()], this.host.domain, this.network.title);
    this.#theirs.clear();
  }

  // ---- from there to here

  #line(line: Line): void {
    switch (line.verb) {
      case 'join':
        this.#room(line.room)?.theyJoin(this.#introduce(line.nick));
        break;
      case 'leave':
        this.#their(line.nick, (user) => this.#room(line.room)?.mirror.left(user, { kind: 'leave', reason: line.text }));
        break;
      case 'say':
        this.#their(line.nick, (user) => void this.#room(line.room)?.mirror.said(user, { text: plainText(line.text), style: 'normal' }));
        break;
      case 'tell':
        this.#told(line.nick, line.to, line.text);
        break;
      case 'nick':
        this.#their(line.nick, (user) => this.#theyRename(user, line.to));
        break;
      case 'topic':
        void this.#room(line.room)?.mirror.topic(this.#theirs.get(nickRules.fold(line.nick)) ?? line.nick, line.text);
        break;
      case 'kick': {
        const target = this.#theirs.get(nickRules.fold(line.target))?.id ?? this.nicks.userOf(line.target);
        const by = this.#theirs.get(nickRules.fold(line.nick)) ?? line.nick;
        if (target !== undefined) this.#room(line.room)?.theyKick(by, target, line.text);
        break;
      }
      case 'quit':
        this.#their(line.nick, (user) => {
          this.#theirs.delete(nickRules.fold(line.nick));
          this.network.retire(user, line.text);
        });
        break;
      case 'listed':
        for (const room of this.#rooms) room.listed();
        this.network.announce(true, '');
        break;
      case 'pong':
        for (const room of this.#rooms) room.arrived(line.token);
        break;
      case 'hello':
      case 'ping':
      case 'bye':
        break;
      default:
        line satisfies never;
    }
  }

  #room(name: string): SharedRoom | undefined {
    return this.#rooms.find(({ room }) => room.name === name);
  }

  #their(nick: string, then: (user: User) => void): void {
    const user = this.#theirs.get(nickRules.fold(nick));
    if (user !== undefined) then(user);
  }

  #addressOf(nick: string): UserAddress {
    return ircUserAddress(this.network.address, nickRules.fold(nick));
  }

  /** Somebody of theirs as a user here. One of ours who has that nick over there yields it. */
  #introduce(nick: string): User | undefined {
    const known = this.#theirs.get(nickRules.fold(nick));
    if (known !== undefined || !isNick(nick)) return known;
    const [user] = this.network.introduce([
      { address: this.#addressOf(nick), nick, ident: 'parley', host: this.network.title, realName: nick },
    ]);
    this.#theirs.set(nickRules.fold(nick), user!);
    this.#yield(nick);
    return user;
  }

  #theyRename(user: User, nick: string): void {
    if (!isNick(nick) || this.taken(nickRules.fold(nick))) return;
    this.#theirs.delete(nickRules.fold(user.nick));
    this.#theirs.set(nickRules.fold(nick), user);
    this.network.rename(user, nick, this.#addressOf(nick));
    this.#yield(nick);
  }

  #yield(nick: string): void {
    const ours = this.nicks.userOf(nick);
    const user = ours === undefined ? undefined : this.host.users.get(ours);
    if (user === undefined) return;
    this.link.send({ verb: 'quit', nick, text: 'that nick is taken' });
    this.nicks.release(user.id);
    for (const room of this.#rooms) room.comeAgain(user);
  }

  #told(nick: string, to: string, text: string): void {
    const id = this.nicks.userOf(to);
    const target = id === undefined ? undefined : this.host.users.get(id);
    const from = this.#introduce(nick);
    if (target !== undefined && from !== undefined)
      void this.network.privateMessage(from, target.address, { text: plainText(text), style: 'normal' });
  }

  // ---- from here to there

  /** Whether a folded nick belongs to somebody over there. */
  taken(fold: string): boolean {
    return this.#theirs.has(fold);
  }

  /** The nick of anybody over there: their own, or what ours are called. */
  nickOf(user: User): string {
    if (user.network === this.network.address) return user.nick;
    const hint = user.network === null ? this.host.domain : (this.host.networks.get(user.network)?.label ?? '');
    return this.nicks.assign(user.id, user.nick, hint, (fold) => this.taken(fold));
  }

  privateMessage({ content }: PrivateRecord, to: User): void {
    const from = this.host.users.byAddress(content.author.address);
    if (content.kind !== 'private' || from === undefined) return;
    this.network.watch(from.id);
    for (const text of oneLineTexts(content.text.plain)) this.link.send({ verb: 'tell', nick: this.nickOf(from), to: to.nick, text });
  }

  userChanged(change: UserChange): void {
    const old = this.nicks.nickOf(change.before.id);
    if (old === undefined) return;
    if (change.kind === 'quit') {
      this.link.send({ verb: 'quit', nick: old, text: change.reason });
      this.forget(change.before.id);
    } else if (change.kind === 'nick') {
      const user = this.host.users.get(change.after.id);
      const nick = user === undefined ? old : this.nickOf(user);
      if (nick !== old) this.link.send({ verb: 'nick', nick: old, to: nick });
    }
  }

  /** Somebody of ours is not known over there any more. */
  forget(user: UserId): void {
    this.nicks.release(user);
    this.network.unwatch(user);
    for (const room of this.#rooms) room.there.delete(user);
  }

  /** Whether one of ours is in no shared room any more. */
  isNowhere(user: UserId): boolean {
    return this.#rooms.every((room) => !room.there.has(user));
  }

  unicast(): void {
    // This protocol has nothing of the kind.
  }

  killed(user: User): void {
    this.#theirs.delete(nickRules.fold(user.nick));
  }
}
