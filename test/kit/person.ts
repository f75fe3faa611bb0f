/** People of the server under test: sessions that write down what they are shown. */
import type { Batch, Room } from '../../server/contract/rooms.ts';
import type { PrivateRecord, Session, SessionHandler, Unicast, User } from '../../server/contract/users.ts';
import type { Core } from '../../server/core.ts';
import type { UserAddress } from '../../server/model/address.ts';
import type { UserChange } from '../../server/model/event.ts';
import type { Outcome } from '../../server/model/outcome.ts';
import { plainText } from '../../server/model/text.ts';
import { describeBatch, describePrivate, describeUserChange } from './seen.ts';

/**
 * Somebody with one session. The verbs throw when the core refuses, with its code, so that a test that expects a refusal says
 * `await rejects(anna.say('lounge', 'x'), /moderated/)`.
 */
export class Person implements SessionHandler {
  readonly #core: Core;
  readonly #lines: string[] = [];
  #session!: Session;
  /** Numbers of the records that were shown, in order. */
  readonly numbers: number[] = [];

  private constructor(core: Core) {
    this.#core = core;
  }

  /** Signs a guest in. @throws Error when the core refuses */
  static guest(core: Core, nick: string, remoteAddress: string): Person {
    const person = new Person(core);
    person.#session = value(core.users.connectGuest({ nick, client: 'kit', remoteAddress, secure: true }, person));
    return person;
  }

  /** Signs in with an account that exists. @throws Error when the core refuses */
  static account(core: Core, account: string, remoteAddress: string): Person {
    const person = new Person(core);
    person.#session = value(core.users.connectAccount({ account, client: 'kit', remoteAddress, secure: true }, person));
    return person;
  }

  get session(): Session {
    return this.#session;
  }
  get user(): User {
    return this.#session.user;
  }
  get nick(): string {
    return this.user.nick;
  }

  // ---- what is seen

  /** Everything that was shown and was not taken yet, one line each; the form is in `describeBatch`. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** What was shown since the last call. */
  take(): string[] {
    return this.#lines.splice(0);
  }

  deliver(batch: Batch): void {
    for (const item of batch.items) if (item.kind === 'record') this.numbers.push(item.record.number);
    this.#lines.push(...describeBatch(batch, this));
  }
  userChanged(change: UserChange): void {
    this.#lines.push(describeUserChange(change));
  }
  privateMessage(record: PrivateRecord, via: Session | undefined): void {
    this.#lines.push(`${describePrivate(record)}${via === this.#session ? ' (own)' : ''}`);
  }
  unicast(message: Unicast): void {
    this.#lines.push(`unicast ${message.protocol} from ${message.from.nick}`);
  }
  attached(room: Room): void {
    this.#lines.push(`${room.name} attached`);
  }
  detached(room: Room): void {
    this.#lines.push(`${room.name} detached`);
  }
  ended(reason: string): void {
    this.#lines.push(`ended: ${reason}`);
  }

  // ---- what is done

  async join(room: string): Promise<void> {
    value(await this.#core.rooms.join(this.user, room, { session: this.#session }));
  }
  leave(room: string, reason = ''): void {
    value(this.#core.rooms.leave(this.user, this.#room(room), reason, this));
  }
  async say(room: string, text: string): Promise<void> {
    value(await this.#core.rooms.say(this.user, this.#room(room), { text: plainText(text), style: 'normal' }, this));
  }
  async topic(room: string, topic: string): Promise<void> {
    value(await this.#core.rooms.setTopic(this.user, this.#room(room), topic, this));
  }
  async kick(room: string, nick: string, reason = ''): Promise<void> {
    const target = this.#room(room).memberByNick(nick);
    if (target === undefined) throw new Error(`nobody called ${nick} is in ${room}`);
    value(await this.#core.rooms.kick(this.user, this.#room(room), target.user, reason, {}, this));
  }
  rename(nick: string): void {
    value(this.#core.users.rename(this.user, nick));
  }
  async tell(to: UserAddress, text: string): Promise<void> {
    value(await this.#core.users.sendPrivate(this.user, to, { text: plainText(text), style: 'normal' }, this.#session));
  }
  quit(reason = 'bye'): void {
    this.#core.users.disconnect(this.#session, reason);
  }

  #room(name: string): Room {
    const room = this.#core.rooms.byName(name);
    if (room === undefined) throw new Error(`there is no room ${name}`);
    return room;
  }
}

/** The value of an accepted outcome. @throws Error with the refusal's code and text */
export function value<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`refused: ${outcome.refusal.code}: ${outcome.refusal.text}`);
  return outcome.value;
}
