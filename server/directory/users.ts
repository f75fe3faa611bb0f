/** Users and sessions: who is here, under which name, by which client. */
import { randomBytes } from 'node:crypto';
import type {
  AccountOptions,
  GuestOptions,
  PrivateBody,
  PrivateRecord,
  Session,
  SessionHandler,
  SessionOptions,
  Unicast,
  User,
  Users,
} from '../contract/users.ts';
import type { Follower, Room } from '../contract/rooms.ts';
import { addressParts, roomName, sessionAddress, userAddress, type RoomAddress, type UserAddress } from '../model/address.ts';
import type { UserChange } from '../model/event.ts';
import type { UserId } from '../model/ids.ts';
import { accepted, refused, type Outcome, type Told } from '../model/outcome.ts';
import { oneLine } from '../model/text.ts';
import type { StoredAccount } from '../storage.ts';
import type { Context } from './context.ts';
import { Guests } from './guests.ts';
import type { Membership } from './membership.ts';
import { addressGroup, checkNick, shownHost } from './names.ts';
import { Nicks } from './nicks.ts';
import type { PrivateMessages } from './private-messages.ts';
import { foldNick, SessionState, UserState, viewUser, type RoomState } from './state.ts';

const mostAwayBytes = 400;

export class UserDirectory implements Users {
  readonly #context: Context;
  readonly #membership: Membership;
  readonly #private: PrivateMessages;
  readonly #accounts: Map<string, StoredAccount>;
  readonly #saveAccount: (account: StoredAccount) => void;
  readonly #guests: Guests;
  readonly #nicks: Nicks;
  #minted = 0;

  /** `accounts` is the live table of all accounts; `saveAccount` writes one back. */
  constructor(
    context: Context,
    membership: Membership,
    privateMessages: PrivateMessages,
    accounts: Map<string, StoredAccount>,
    saveAccount: (account: StoredAccount) => void,
  ) {
    this.#context = context;
    this.#membership = membership;
    this.#private = privateMessages;
    this.#accounts = accounts;
    this.#saveAccount = saveAccount;
    this.#nicks = new Nicks(context.directory, accounts, context.limits.nickCharacters);
    this.#guests = new Guests(context.secret('guest tokens'), context.limits.guestsPerAddress);
  }

  get(id: UserId): User | undefined {
    return this.#context.directory.users.get(id);
  }
  byAddress(address: UserAddress): User | undefined {
    return this.#context.directory.byAddress.get(address);
  }
  byNick(nick: string): User | undefined {
    return this.#context.directory.byNick.get(foldNick(nick));
  }
  all(): Iterable<User> {
    return this.#context.directory.users.values();
  }
  get count(): Users['count'] {
    const { users, sessions } = this.#context.directory;
    const local = this.#context.directory.byNick.size;
    return { local, foreign: users.size - local, sessions };
  }

  mintId(): UserId {
    this.#minted++;
    return `u${this.#minted.toString(36)}` as UserId;
  }

  connectGuest(options: GuestOptions, handler: SessionHandler): Outcome<Session> {
    const { directory, domain, clock } = this.#context;
    const known = options.token === undefined ? undefined : this.#guests.nameIn(options.token);
    if (options.token !== undefined && known === undefined) return refused('bad-credentials', 'That guest token is not valid any more.');
    const name = known ?? `guest-${randomBytes(5).toString('hex')}`;
    const address = userAddress(domain, name);
    const live = directory.byAddress.get(address);
    if (live !== undefined) return this.#addSession(live, options, handler);
    const group = addressGroup(options.remoteAddress);
    if (!this.#guests.mayCome(group)) return refused('too-many', 'Too many guests come from your address; sign in with an account.');
    const nick = this.#nicks.forGuest(options.nick, options.anyNick === true);
    if (!nick.ok) return nick;
    const user = new UserState({
      id: this.mintId(),
      kind: 'local',
      guest: true,
      since: clock.now(),
      network: null,
      address,
      nick: nick.value,
      ident: cleanIdent(options.ident ?? 'guest'),
      host: shownHost(this.#context.secret('hosts'), group, domain, 'guest'),
      realName: oneLine(options.realName ?? nick.value).slice(0, 128),
      account: null,
    });
    this.#guests.came(user, group);
    this.introduce(user);
    return this.#addSession(user, options, handler);
  }

  connectAccount(options: AccountOptions, handler: SessionHandler): Outcome<Session> {
    const { directory, domain, clock } = this.#context;
    const account = this.#accounts.get(options.account);
    if (account === undefined) return refused('no-such-account', 'There is no such account.');
    const address = userAddress(domain, account.name);
    const live = directory.byAddress.get(address);
    if (live !== undefined) return this.#addSession(live, options, handler);
    const readPositions = directory.readPositions.get(account.name) ?? new Map<RoomAddress, number>();
    directory.readPositions.set(account.name, readPositions);
    const user = new UserState(
      {
        id: this.mintId(),
        kind: 'local',
        guest: false,
        since: clock.now(),
        network: null,
        address,
        nick: this.#nicks.forAccount(account, options.nick),
        ident: cleanIdent(options.ident ?? account.name),
        host: shownHost(this.#context.secret('hosts'), address, domain, 'user'),
        realName: oneLine(options.realName ?? account.nick).slice(0, 128),
        account: account.name,
      },
      readPositions,
    );
    user.administrator = account.administrator;
    this.introduce(user);
    const session = this.#addSession(user, options, handler);
    if (session.ok) {
      for (const room of account.rooms) {
        const state = directory.roomAt(room);
        // A room elsewhere is there although nobody here is in it.
        const name = state?.name ?? (addressParts(room).scheme === 'banyan' ? undefined : roomName(room));
        if (name !== undefined) void this.#membership.join(user, name, state?.config.key == null ? {} : { key: state.config.key });
      }
    }
    return session;
  }

  /** Puts a user into live state. */
  introduce(user: UserState): void {
    const { directory, audience } = this.#context;
    directory.users.set(user.id, user);
    directory.byAddress.set(user.address, user);
    if (user.kind === 'local') directory.byNick.set(foldNick(user.nick), user);
    audience.introduced(user);
  }

  #addSession(user: UserState, options: SessionOptions, handler: SessionHandler): Outcome<Session> {
    if (user.sessions.size >= this.#context.limits.sessionsPerUser)
      return refused('too-many', 'You have as many connections as one person may have.');
    return accepted(this.openSession(user, options, handler));
  }

  openSession(user: UserState, options: SessionOptions, handler: SessionHandler): SessionState {
    const { directory, clock } = this.#context;
    const name = options.name ?? randomBytes(6).toString('base64url');
    const session = new SessionState({
      id: randomBytes(9).toString('base64url'),
      address: sessionAddress(user.address, name),
      user,
      via: options.client,
      client: oneLine(options.client).slice(0, 100),
      remoteAddress: options.remoteAddress,
      secure: options.secure,
      since: clock.now(),
      handler,
      attach: options.attach ?? 'all',
    });
    user.lingering?.cancel();
    user.lingering = undefined;
    user.sessions.add(session);
    directory.sessions++;
    if (session.attach === 'all') for (const room of user.rooms) this.#membership.attach(session, room);
    return session;
  }

  guestToken(session: Session): string {
    return this.#guests.tokenOf(session.user.address);
  }

  disconnect(session: Session, reason: string, linger = 0): void {
    const state = session as SessionState;
    if (state.closed) return;
    this.#drop(state);
    const { user } = state;
    if (user.sessions.size > 0) return;
    if (linger > 0) user.lingering = this.#context.clock.after(linger, () => this.quit(user, reason));
    else this.quit(user, reason);
  }

  #drop(session: SessionState): void {
    session.closed = true;
    session.user.sessions.delete(session);
    this.#context.directory.sessions--;
    for (const { room } of session.visits) this.#membership.detach(session, room);
  }

  /** Ends a session from our side and tells its plugin. */
  end(session: SessionState, reason: string): void {
    if (session.closed) return;
    this.#drop(session);
    this.#context.delivery.step(undefined, () => session.handler.ended(reason));
  }

  /** A follower of a room failed: if it is a session, its client must not go on without that room and not know it. */
  followerFailed(room: Room, follower: Follower): void {
    for (const member of room.members.values())
      for (const session of member.who.sessions as ReadonlySet<SessionState>) {
        if (session.handler !== follower) continue;
        const reason = 'the server could not show a room to this connection';
        this.end(session, reason);
        if (session.user.sessions.size === 0) this.quit(session.user, reason);
        return;
      }
  }

  /** The user leaves all rooms and live state; everybody concerned is told once. */
  quit(user: UserState, reason: string, killed = false): void {
    if (user.gone) return;
    user.gone = true;
    user.lingering?.cancel();
    const { directory, audience } = this.#context;
    const text = oneLine(reason);
    for (const session of user.sessions) this.end(session, text);
    const rooms = [...user.rooms];
    const before = viewUser(user);
    audience.tell(user, { kind: 'quit', before, reason: text, ...(killed ? { killed } : {}) }, rooms);
    for (const room of rooms) this.#membership.remove(room, [room.members.get(user.id)!], { kind: 'quit', reason: text });
    this.forget(user);
    directory.networks.forEach((network) => network.watched.delete(user.id));
  }

  /** Takes a user out of all indexes. */
  forget(user: UserState): void {
    const { directory } = this.#context;
    user.gone = true;
    directory.users.delete(user.id);
    if (directory.byAddress.get(user.address) === user) directory.byAddress.delete(user.address);
    if (user.kind === 'local' && directory.byNick.get(foldNick(user.nick)) === user) directory.byNick.delete(foldNick(user.nick));
    const people = user.network === null ? undefined : directory.networks.get(user.network)?.people;
    if (people?.get(user.address) === user) people.delete(user.address);
    this.#guests.gone(user);
  }

  attach(session: Session, room: Room): void {
    this.#membership.attach(session as SessionState, room as RoomState);
  }
  detach(session: Session, room: Room): void {
    this.#membership.detach(session as SessionState, room as RoomState);
  }

  rename(target: User, wanted: string): Outcome<User> {
    const user = target as UserState;
    const { directory, limits } = this.#context;
    const checked = checkNick(wanted, limits.nickCharacters);
    if (!checked.ok) return checked;
    const nick = checked.value;
    if (nick === user.nick) return accepted(user);
    if (foldNick(nick) !== foldNick(user.nick)) {
      if (directory.byNick.has(foldNick(nick))) return refused('nick-in-use', `Somebody called "${nick}" is here already.`);
      if (!this.#nicks.isFree(nick, user.account)) return refused('name-taken', `"${nick}" belongs to an account; sign in to use it.`);
    }
    directory.byNick.delete(foldNick(user.nick));
    this.renamed(user, nick);
    directory.byNick.set(foldNick(nick), user);
    const account = user.account === null ? undefined : this.#accounts.get(user.account);
    if (account !== undefined) this.#saveAccount({ ...account, nick });
    return accepted(user);
  }

  /** Changes a nick without asking, and tells. */
  renamed(user: UserState, nick: string, address: UserAddress = user.address): void {
    const { audience, delivery, directory, logbook } = this.#context;
    const before = viewUser(user);
    const who = { address: user.address, nick: user.nick, ...(user.network === null ? {} : { network: user.network }) };
    if (address !== user.address) {
      // Somebody else may have taken the old address already: two change their nicks at once.
      if (directory.byAddress.get(user.address) === user) directory.byAddress.delete(user.address);
      user.address = address;
      directory.byAddress.set(address, user);
    }
    user.nick = nick;
    user.activeAt = this.#context.clock.now();
    audience.tell(user, { kind: 'nick', before, after: viewUser(user) });
    for (const room of user.rooms) {
      const member = room.members.get(user.id);
      if (room.config.showJoins && member?.roomNick === undefined)
        delivery.record(room, logbook.next(room.log, { kind: 'nick', who, nick }));
    }
  }

  setAway(target: User, text: string | null): void {
    const user = target as UserState;
    const away = text === null ? null : oneLine(text).slice(0, mostAwayBytes);
    if (away === user.away) return;
    const before = viewUser(user);
    user.away = away;
    this.#context.audience.tell(user, { kind: 'away', before, after: viewUser(user) });
  }

  setRealName(target: User, realName: string): void {
    const user = target as UserState;
    const before = viewUser(user);
    user.realName = oneLine(realName).slice(0, 128);
    if (user.realName !== before.realName) this.#context.audience.tell(user, { kind: 'profile', before, after: viewUser(user) });
  }

  sendPrivate(from: User, to: UserAddress, body: PrivateBody, via?: Session): Promise<Outcome<PrivateRecord>> {
    return new Promise((told) => this.submitPrivate(from, to, body, via, told));
  }

  submitPrivate(from: User, to: UserAddress, body: PrivateBody, via: Session | undefined, told: Told<PrivateRecord>): void {
    this.#private.send(from as UserState, to, body, via as SessionState | undefined, told);
  }

  unicast(message: Unicast): boolean {
    const { directory, delivery } = this.#context;
    const user = directory.users.get(message.to);
    if (user === undefined) return false;
    const rooms: ReadonlySet<Room> = user.rooms;
    if (user.network !== null) {
      const network = directory.networks.get(user.network);
      if (network === undefined) return false;
      const seen = (room: Room): boolean => rooms.has(room) || room.networks.has(network.address);
      delivery.step(seen, () => network.handler.unicast(message, user));
      return true;
    }
    const seen = (room: Room): boolean => rooms.has(room);
    const sessions = [...user.sessions].filter((session) => message.toSession === undefined || session.address === message.toSession);
    for (const session of sessions) {
      delivery.step(seen, () => {
        if (!session.closed) session.handler.unicast(message);
      });
    }
    return sessions.length > 0;
  }

  readPrivate(user: User, options: Parameters<Users['readPrivate']>[1]): Promise<readonly PrivateRecord[]> {
    return this.#private.read(user as UserState, options);
  }

  kill(user: User, reason: string): void {
    const state = user as UserState;
    if (state.network !== null)
      this.#context.directory.networks.get(state.network)?.handler.killed(state, this.#context.domain, oneLine(reason));
    this.quit(state, reason, true);
  }

  watch(handler: (change: UserChange | { readonly kind: 'introduced'; readonly user: User }) => void): () => void {
    return this.#context.audience.watch(handler);
  }
}

/** An ident that every protocol can show: letters, digits and `_ . -`, at most ten. */
function cleanIdent(ident: string): string {
  const clean = ident.replace(/[^A-Za-z0-9_.-]/g, '').slice(0, 10);
  return clean === '' ? 'user' : clean;
}
