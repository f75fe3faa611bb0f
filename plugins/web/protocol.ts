/**
 * The native protocol, version 1: JSON objects, one a WebSocket text message, sub-protocol `banyan.v1` at `/socket`. These
 * schemas are the one source: they check what clients send, and docs/native-protocol.md is made from them.
 */
import { z } from 'zod';

export const protocolVersion = 1;
export const subProtocol = 'banyan.v1';

const id = z.int().nonnegative().optional().describe('Repeated in the reply. Without it there is no reply but to failures.');
const room = z.string().min(1).max(255).describe('Name of a room (`lounge`) or its address.');
const address = z.string().min(1).max(2_000).describe('Address of a person, as in member lists.');
const text = z.string().min(1).max(65_536);
const style = z.enum(['normal', 'action', 'notice']).default('normal');
const limit = z.int().min(1).max(500).default(100);

const ask = <Name extends string, Shape extends z.ZodRawShape>(type: Name, meaning: string, shape: Shape) =>
  z.strictObject({ type: z.literal(type), id, ...shape }).describe(meaning);

/** What a client sends. */
export const clientFrames = [
  ask('guest', 'Sign in as a guest. `token` from an earlier `signed-in` gives the same address back.', {
    nick: z.string().max(100),
    token: z.string().max(200).optional(),
  }),
  ask('sign-in', 'Sign in to an account. With `stay`, the answer has a token for the next time.', {
    name: z.string().max(255),
    password: z.string().max(1024),
    stay: z.boolean().default(false),
  }),
  ask('token', 'Sign in to an account by a token.', { token: z.string().max(600) }),
  ask('register', 'Make an account and sign in to it.', {
    name: z.string().max(255),
    password: z.string().max(1024),
    stay: z.boolean().default(false),
  }),
  ask('sign-out', 'Sign out; a token is forgotten.', { token: z.string().max(600).optional() }),
  ask('join', 'Enter a room; it is made when there is none.', { room, key: z.string().max(100).optional() }),
  ask('leave', 'Leave a room.', { room, reason: z.string().max(500).default('') }),
  ask('say', 'Say something in a room. The reply has its number and id.', { room, text, style }),
  ask('private', 'Say something to one person, by address or nick.', { to: address, text, style }),
  ask('nick', 'Change the own nick.', { nick: z.string().max(100) }),
  ask('away', 'Be away with a text, or back with null.', { text: z.string().max(400).nullable() }),
  ask('topic', 'Change the topic of a room.', { room, topic: z.string().max(4096) }),
  ask('kick', 'Remove somebody from a room; with `ban` for good.', {
    room,
    user: address,
    reason: z.string().max(500).default(''),
    ban: z.boolean().default(false),
  }),
  ask('grant', 'Give or take operator status or voice.', {
    room,
    user: address,
    operator: z.boolean().optional(),
    voice: z.boolean().optional(),
  }),
  ask('affiliation', 'Make somebody owner, admin, member, none or outcast of a room.', {
    room,
    user: address,
    affiliation: z.enum(['owner', 'admin', 'member', 'none', 'outcast']),
    reason: z.string().max(500).default(''),
  }),
  ask('ban', 'Ban by a mask nick!user@host.', { room, mask: z.string().max(200), reason: z.string().max(500).default('') }),
  ask('unban', 'Lift a ban.', { room, mask: z.string().max(200) }),
  ask('bans', 'Who is kept out of a room: masks and addresses. The reply has `bans`.', { room }),
  ask('configure', 'Change a room.', {
    room,
    changes: z.strictObject({
      title: z.string().max(200).optional(),
      moderated: z.boolean().optional(),
      membersOnly: z.boolean().optional(),
      hidden: z.boolean().optional(),
      topicLocked: z.boolean().optional(),
      membersSpeak: z.boolean().optional(),
      key: z.string().max(100).nullable().optional(),
      limit: z.int().positive().nullable().optional(),
      history: z.enum(['none', 'joined', 'all']).optional(),
      showJoins: z.boolean().optional(),
    }),
  }),
  ask('invite', 'Invite somebody to a room.', { room, user: address, reason: z.string().max(500).default('') }),
  ask('read', 'The room is read up to this number.', { room, number: z.int().nonnegative() }),
  ask('history', 'Events of a room: the first after a number, or the last before one. The reply has `events`.', {
    room,
    after: z.int().nonnegative().optional(),
    before: z.int().positive().optional(),
    limit,
  }),
  ask('private-history', 'Private messages. The reply has `messages`.', {
    with: address.optional(),
    after: z.int().nonnegative().optional(),
    before: z.int().positive().optional(),
    limit,
  }),
  ask('rooms', 'Rooms that everybody may see. The reply has `rooms`.', {}),
  ask('who', 'About one person. The reply has `user`, with `realAddress`: null where it is not for you to know.', { user: address }),
  ask('typing', 'Typing in a room: `active`, `paused`, `done`.', { room, state: z.enum(['active', 'paused', 'done']) }),
  ask('command', 'Run a command of the server. The reply has `text`.', {
    name: z.string().max(50),
    args: z.string().max(2000).default(''),
    room: room.optional(),
  }),
  ask('ping', 'Answered by a reply: the connection lives.', {}),
] as const;

export const clientFrame = z.discriminatedUnion('type', clientFrames);
export type ClientFrame = z.output<typeof clientFrame>;

const person = z
  .strictObject({
    address: z.string(),
    nick: z.string(),
    kind: z.enum(['account', 'guest', 'foreign']),
    from: z.string().nullable().describe('Title of the foreign network the person comes from; null for people of this server.'),
    away: z.string().nullable(),
    bot: z.boolean(),
  })
  .describe('A person.');

const member = person
  .extend({ affiliation: z.enum(['owner', 'admin', 'member', 'none', 'outcast']), operator: z.boolean(), voice: z.boolean() })
  .describe('A person in a room.');

const author = z.strictObject({ address: z.string(), nick: z.string(), from: z.string().nullable() });
const span = z
  .strictObject({ start: z.int(), end: z.int(), style: z.looseObject({ kind: z.string() }) })
  .describe('A styled stretch of the text, in UTF-16 code units.');

const event = z
  .looseObject({ number: z.int(), id: z.string(), at: z.number().describe('Milliseconds since 1970.'), kind: z.string() })
  .describe(
    'One event of a room. kind message: author, text, spans, style. topic: author, topic. kick: author, target, reason, banned. ban: author, add, mask. affiliation: author, address, target, affiliation, reason. config: author, changes. join, leave, nick: author, reason, quit, nick. network: title, present, count, reason, crossing, leftOut, text.',
  );

const change = z
  .looseObject({ kind: z.enum(['joined', 'left', 'member', 'typing']) })
  .describe(
    'A change that is not logged. joined: members. left: addresses, cause, by, reason. member: member. typing: address, nick, state.',
  );

const tell = <Name extends string, Shape extends z.ZodRawShape>(type: Name, meaning: string, shape: Shape) =>
  z.strictObject({ type: z.literal(type), ...shape }).describe(meaning);

/** What the server sends. */
export const serverFrames = [
  tell('welcome', 'First on every connection.', {
    version: z.literal(protocolVersion),
    domain: z.string(),
    title: z.string(),
    rooms: z.array(z.string()),
    registration: z.boolean(),
  }),
  tell('reply', 'The answer to a frame with that id (null: the frame had none). `code` and `text` say why not.', {
    id: z.int().nullable(),
    ok: z.boolean(),
    code: z.string().optional(),
    text: z.string().optional(),
    result: z.looseObject({}).optional(),
  }),
  tell('signed-in', 'Who one is now. `guestToken` or `token` bring the same person back.', {
    you: person.extend({ account: z.string().nullable(), administrator: z.boolean() }),
    token: z.string().optional(),
    guestToken: z.string().optional(),
  }),
  tell('room', 'One is in this room: its state now. Events after `last` follow; ask history for those before.', {
    room: z.string(),
    name: z.string(),
    topic: z.strictObject({ text: z.string(), by: z.string(), at: z.number() }),
    config: z.looseObject({}),
    last: z.int().describe('Number of the last event.'),
    read: z.int().describe('Number up to which one has read.'),
    members: z.array(member),
  }),
  tell('events', 'What happened in a room, in order.', { room: z.string(), items: z.array(z.union([event, change])) }),
  tell('left', 'One is no longer in this room.', { room: z.string() }),
  tell('user', 'Somebody who shares a room changed (nick, away, account, profile) or quit.', {
    kind: z.enum(['nick', 'away', 'account', 'profile', 'quit']),
    address: z.string(),
    nick: z.string(),
    now: person.optional(),
    reason: z.string().optional(),
  }),
  tell('private', 'A private message to or from oneself. number is 0 where none is kept.', {
    number: z.int(),
    id: z.string(),
    at: z.number(),
    kind: z.enum(['private', 'invitation']),
    author,
    to: author,
    text: z.string(),
    spans: z.array(span),
    style: z.string(),
    room: z.string().nullable(),
    own: z.boolean(),
  }),
  tell('ended', 'The session is over; the connection closes.', { reason: z.string() }),
] as const;

export const serverFrame = z.discriminatedUnion('type', serverFrames);
export type ServerFrame = z.input<typeof serverFrame>;
export type WireEvent = z.input<typeof event>;
export type WireMember = z.input<typeof member>;
export type WirePerson = z.input<typeof person>;
