/** What each frame of a client does. */
import {
  accepted,
  mayKnowAddress,
  parseRoomAddress,
  parseUserAddress,
  plainText,
  refused,
  AddressError,
  type Outcome,
  type Room,
  type Session,
  type User,
  type UserAddress,
} from '../../server/plugin.ts';
import { isHidden } from './addresses.ts';
import type { ClientFrame } from './protocol.ts';
import type { WebSession } from './session.ts';

type Result = Outcome<object>;
type Present = Exclude<ClientFrame, { type: 'guest' | 'sign-in' | 'token' | 'register' | 'ping' }>;

export async function actions(web: WebSession, frame: ClientFrame): Promise<Result> {
  if (frame.type === 'ping') return accepted({});
  if (frame.type === 'guest' || frame.type === 'sign-in' || frame.type === 'token' || frame.type === 'register') return signIn(web, frame);
  if (web.phase.name !== 'present') return refused('not-permitted', 'Sign in first.');
  return act(web, web.phase.session, frame);
}

async function signIn(web: WebSession, frame: Extract<ClientFrame, { type: 'guest' | 'sign-in' | 'token' | 'register' }>): Promise<Result> {
  if (web.phase.name !== 'strange') return refused('not-permitted', 'You are signed in already.');
  const { users, accounts } = web.host;
  web.phase = { name: 'signing-in' };
  if (frame.type === 'guest') {
    const options = { ...web.connection(), nick: frame.nick, ident: 'web' };
    if (frame.token === undefined) return web.enter(() => users.connectGuest(options, web), {});
    const { token } = frame;
    // A token of another server or an older secret: the person comes in anew. A taken nick gets a variant: it may be one's own, lost a moment ago.
    const again = users.connectGuest({ ...options, token, anyNick: true }, web);
    return web.enter(() => (again.ok || again.refusal.code !== 'bad-credentials' ? again : users.connectGuest(options, web)), {});
  }
  const account =
    frame.type === 'token'
      ? await accounts.verifyToken(frame.token)
      : frame.type === 'register'
        ? await accounts.register(frame.name, frame.password, web.remoteAddress)
        : await accounts.verify(frame.name, frame.password, web.remoteAddress);
  if (!account.ok) {
    web.strangerAgain();
    return account;
  }
  return web.enter(() => users.connectAccount({ ...web.connection(), account: account.value.name }, web), {
    account: account.value,
    ...(frame.type === 'token' ? { token: frame.token } : { stay: frame.stay }),
  });
}

async function act(web: WebSession, session: Session, frame: Present): Promise<Result> {
  const { host } = web;
  const { rooms, users } = host;
  const { user } = session;
  switch (frame.type) {
    case 'sign-out':
      if (frame.token !== undefined) await host.accounts.revokeToken(frame.token);
      web.signOut();
      return accepted({});
    case 'join': {
      const joined = await rooms.join(user, roomName(frame.room), { session, ...(frame.key === undefined ? {} : { key: frame.key }) }, web);
      return joined.ok ? accepted({ room: joined.value.room.address }) : joined;
    }
    case 'private':
      return sendPrivate(web, session, frame);
    case 'nick':
      return nothing(users.rename(user, frame.nick));
    case 'away':
      users.setAway(user, frame.text);
      return accepted({});
    case 'private-history': {
      const peer = frame.with === undefined ? undefined : parsedAddress(web, frame.with);
      if (peer?.ok === false) return peer;
      const records = await users.readPrivate(user, {
        limit: frame.limit,
        ...(peer === undefined ? {} : { with: peer.value }),
        ...(frame.after === undefined ? {} : { after: frame.after }),
        ...(frame.before === undefined ? {} : { before: frame.before }),
      });
      return accepted({ messages: records.map((record) => web.express.private(record, record.content.author.address === user.address)) });
    }
    case 'rooms':
      return accepted({ rooms: listRooms(web, user) });
    case 'who':
      return who(web, user, frame.user);
    case 'command': {
      const room = frame.room === undefined ? undefined : findRoom(web, user, frame.room);
      const text = await host.commands.run(frame.name, { user, session, room, args: frame.args });
      return text === undefined ? refused('not-permitted', `There is no command "${frame.name}".`) : accepted({ text });
    }
    case 'leave':
    case 'say':
    case 'topic':
    case 'kick':
    case 'grant':
    case 'affiliation':
    case 'ban':
    case 'unban':
    case 'bans':
    case 'configure':
    case 'invite':
    case 'read':
    case 'history':
    case 'typing': {
      const room = findRoom(web, user, frame.room);
      return room === undefined ? refused('no-such-room', 'There is no such room.') : inRoom(web, user, room, frame);
    }
    default:
      return frame satisfies never;
  }
}

type InRoom = Extract<
  Present,
  {
    type:
      | 'leave'
      | 'say'
      | 'topic'
      | 'kick'
      | 'grant'
      | 'affiliation'
      | 'ban'
      | 'unban'
      | 'bans'
      | 'configure'
      | 'invite'
      | 'read'
      | 'history'
      | 'typing';
  }
>;

async function inRoom(web: WebSession, user: User, room: Room, frame: InRoom): Promise<Result> {
  const { rooms } = web.host;
  switch (frame.type) {
    case 'leave':
      return nothing(rooms.leave(user, room, frame.reason, web));
    case 'say': {
      const said = await rooms.say(user, room, { text: plainText(frame.text), style: frame.style }, web);
      return said.ok ? accepted({ number: said.value.number, id: said.value.id }) : said;
    }
    case 'topic':
      return nothing(await rooms.setTopic(user, room, frame.topic, web));
    case 'kick': {
      const target = memberOf(web, user, room, frame.user);
      return target.ok ? nothing(await rooms.kick(user, room, target.value, frame.reason, { ban: frame.ban }, web)) : target;
    }
    case 'grant': {
      const target = memberOf(web, user, room, frame.user);
      const change = {
        ...(frame.operator === undefined ? {} : { operator: frame.operator }),
        ...(frame.voice === undefined ? {} : { voice: frame.voice }),
      };
      return target.ok ? nothing(await rooms.grant(user, room, target.value, change, web)) : target;
    }
    case 'affiliation': {
      const address = parsedAddress(web, frame.user);
      return address.ok ? nothing(await rooms.setAffiliation(user, room, address.value, frame.affiliation, frame.reason, web)) : address;
    }
    case 'ban':
      return nothing(await rooms.ban(user, room, frame.mask, frame.reason, web));
    case 'unban':
      return nothing(await rooms.unban(user, room, frame.mask, web));
    case 'bans':
      return room.members.has(user.id)
        ? accepted({ bans: keptOut(web, user, room) })
        : refused('not-a-member', 'You are not in that room.');
    case 'configure':
      return nothing(
        await rooms.configure(
          user,
          room,
          Object.fromEntries(Object.entries(frame.changes).filter(([, value]) => value !== undefined)),
          web,
        ),
      );
    case 'invite': {
      const found = person(web, user, frame.user);
      return found.ok ? nothing(await rooms.invite(user, room, found.value.address, frame.reason)) : found;
    }
    case 'read':
      rooms.setReadPosition(user, room, frame.number);
      return accepted({});
    case 'history': {
      const take = frame.after === undefined ? 'last' : 'first';
      const found = await rooms.history(user, room, {
        limit: frame.limit,
        take,
        ...(frame.after === undefined ? {} : { after: frame.after }),
        ...(frame.before === undefined ? {} : { before: frame.before }),
      });
      return found.ok ? accepted({ events: found.value.map((record) => web.express.event(record)), last: room.last.number }) : found;
    }
    case 'typing':
      rooms.typing(user, room, frame.state, web);
      return accepted({});
    default:
      return frame satisfies never;
  }
}

async function sendPrivate(web: WebSession, session: Session, frame: Extract<ClientFrame, { type: 'private' }>): Promise<Result> {
  const named = called(web, session.user, frame.to);
  if (!named.ok) return named;
  const to: Outcome<UserAddress> = named.value === undefined ? parsedAddress(web, frame.to) : accepted(named.value.address);
  if (!to.ok) return to;
  const sent = await web.host.users.sendPrivate(session.user, to.value, { text: plainText(frame.text), style: frame.style }, session);
  return sent.ok ? accepted({ id: sent.value.id, to: web.express.author(sent.value.content.to) }) : sent;
}

function listRooms(web: WebSession, user: User): object[] {
  const listed: object[] = [];
  for (const room of web.host.rooms.all()) {
    if (room.config.hidden && !room.members.has(user.id)) continue;
    listed.push({ room: room.address, name: room.name, title: room.config.title, topic: room.topic.text, members: room.members.size });
    if (listed.length === 1_000) break;
  }
  return listed;
}

/** Whom they keep out is for moderators to know; everybody else sees that there is somebody. Threat class A13. */
function keptOut(web: WebSession, asker: User, room: Room): object[] {
  const known = room.config.nonAnonymous || asker.administrator || room.members.get(asker.id)?.role === 'moderator';
  const outcasts = [...room.affiliations].filter(([, affiliation]) => affiliation === 'outcast');
  return [
    ...room.bans.map(({ mask, by, at, reason }) => ({ mask, by, at, reason })),
    ...outcasts.map(([address]) => ({ address: known ? address : web.express.addresses.shown(address) })),
  ];
}

/** The name by which rooms are joined, from a name (`#lounge` too) or an address. */
function roomName(text: string): string {
  const address = /^banyan:\/\/[^/]+\/@(.+)$/.exec(text);
  return address?.[1] ?? text.replace(/^#/, '');
}

/** Who is not in a hidden room is told the same as if there were none. Threat class A13. */
function findRoom(web: WebSession, user: User, text: string): Room | undefined {
  const room = text.includes('://') ? roomAt(web, text) : web.host.rooms.byName(roomName(text));
  return room?.config.hidden === true && !room.members.has(user.id) && !user.administrator ? undefined : room;
}

function roomAt(web: WebSession, address: string): Room | undefined {
  try {
    return web.host.rooms.get(parseRoomAddress(address));
  } catch (error) {
    if (error instanceof AddressError) return undefined;
    throw error;
  }
}

/** An address, or the name that stands for one. */
function parsedAddress(web: WebSession, text: string): Outcome<UserAddress> {
  const real = web.express.addresses.real(text);
  if (real !== undefined) return accepted(real);
  try {
    return accepted(parseUserAddress(text));
  } catch (error) {
    if (error instanceof AddressError) return refused('no-such-user', `Nobody called "${text}" is here.`);
    throw error;
  }
}

/**
 * Who is called so for somebody: one of ours, or else a foreign member of a room that both are in. Of two such members none is
 * meant, so that nothing private goes to the wrong one.
 */
function called(web: WebSession, asker: User, nick: string): Outcome<User | undefined> {
  // Foreign nicks are free: nobody gets what is meant for the person of that address.
  if (isHidden(nick)) return accepted(undefined);
  const ours = web.host.users.byNick(nick);
  if (ours !== undefined) return accepted(ours);
  const folded = nick.toLowerCase();
  let found: User | undefined;
  for (const room of asker.rooms)
    for (const member of room.members.values()) {
      if (member.nick.toLowerCase() !== folded || member.user === found?.id) continue;
      if (found !== undefined) return refused('no-such-user', `Several people are called "${nick}"; choose one in the list of members.`);
      found = web.host.users.get(member.user);
    }
  return accepted(found);
}

function person(web: WebSession, asker: User, text: string): Outcome<User> {
  const named = called(web, asker, text);
  if (!named.ok) return named;
  if (named.value !== undefined) return accepted(named.value);
  const address = parsedAddress(web, text);
  if (!address.ok) return address;
  const user = web.host.users.byAddress(address.value);
  return user === undefined ? refused('no-such-user', 'That person is not here.') : accepted(user);
}

/** A hidden address finds its owner for those only who may know it: nobody tries out who is who. Threat class A13. */
function mayName(web: WebSession, asker: User, user: User, text: string): boolean {
  return user.address !== text || web.express.addresses.shown(user.address) === text || mayKnowAddress(asker, user);
}

function memberOf(web: WebSession, asker: User, room: Room, text: string): Outcome<User['id']> {
  const address = web.express.addresses.real(text) ?? text;
  const folded = text.toLowerCase();
  for (const member of room.members.values())
    if (member.address === address ? mayName(web, asker, member.who, text) : member.nick.toLowerCase() === folded)
      return accepted(member.user);
  return refused('no-such-user', 'Nobody of that name is in the room.');
}

function who(web: WebSession, asker: User, text: string): Result {
  const found = person(web, asker, text);
  if (!found.ok) return found;
  const user = found.value;
  if (!mayName(web, asker, user, text)) return refused('no-such-user', 'That person is not here.');
  const { address, account, since, activeAt, realName } = user;
  const realAddress = mayName(web, asker, user, address) ? address : null;
  return accepted({ user: { ...web.express.person(user), account, since, activeAt, realName, realAddress } });
}

function nothing(outcome: Outcome<unknown>): Result {
  return outcome.ok ? accepted({}) : outcome;
}
