/** A core in memory and sessions that write down what they see. */
import pino from 'pino';
import type { Clock, Timer } from '../../../server/contract/host.ts';
import type { Batch, Room } from '../../../server/contract/rooms.ts';
import type { PrivateRecord, Session, SessionHandler, Unicast } from '../../../server/contract/users.ts';
import { defaultCoreLimits, openCore, type Core, type CoreOptions } from '../../../server/core.ts';
import { parseDomain } from '../../../server/model/address.ts';
import type { UserChange } from '../../../server/model/event.ts';
import type { Outcome } from '../../../server/model/outcome.ts';
import { plainText } from '../../../server/model/text.ts';
import type { Storage } from '../../../server/storage.ts';
import { openMemoryStorage } from '../../../storage/memory/index.ts';

/** Time that stands still until it is moved. */
export class VirtualClock implements Clock {
  #now = 1_700_000_000_000;
  readonly #timers = new Map<number, { at: number; run: () => void; every?: number }>();
  #minted = 0;

  now(): number {
    return this.#now;
  }
  after(milliseconds: number, run: () => void): Timer {
    return this.#add({ at: this.#now + milliseconds, run });
  }
  every(milliseconds: number, run: () => void): Timer {
    return this.#add({ at: this.#now + milliseconds, run, every: milliseconds });
  }
  #add(timer: { at: number; run: () => void; every?: number }): Timer {
    const id = ++this.#minted;
    this.#timers.set(id, timer);
    return { cancel: () => this.#timers.delete(id) };
  }
  advance(milliseconds: number): void {
    this.#now += milliseconds;
    for (const [id, timer] of this.#timers) {
      if (timer.at > this.#now) continue;
      if (timer.every === undefined) this.#timers.delete(id);
      else timer.at = this.#now + timer.every;
      timer.run();
    }
  }
}

export interface TestCore {
  readonly core: Core;
  readonly clock: VirtualClock;
  readonly storage: Storage;
}

export async function testCore(options: Partial<CoreOptions> = {}): Promise<TestCore> {
  const clock = new VirtualClock();
  const storage = options.storage ?? openMemoryStorage();
  const core = await openCore({
    domain: parseDomain('chat.example'),
    storage,
    clock,
    log: pino({ level: 'silent' }),
    secret: Buffer.alloc(32, 7),
    rooms: [{ name: 'lounge' }],
    limits: defaultCoreLimits,
    registration: 'open',
    ...options,
  });
  return { core, clock, storage };
}

/** A session that writes down, in one line each, what it is shown. */
export class Recorder implements SessionHandler {
  readonly seen: string[] = [];
  readonly numbers: number[] = [];
  session!: Session;

  deliver(batch: Batch): void {
    for (const item of batch.items) {
      const own = item.via === this ? ' (own)' : '';
      if (item.kind === 'record') {
        this.numbers.push(item.record.number);
        const { content } = item.record;
        if (content.kind === 'message') this.seen.push(`${batch.room.name} <${content.author.nick}> ${content.text.plain}${own}`);
        else if (content.kind === 'topic') this.seen.push(`${batch.room.name} topic ${content.topic}${own}`);
        else if (content.kind === 'ban') this.seen.push(`${batch.room.name} ban ${content.add ? '+' : '-'}${content.ban.mask}`);
        else if (content.kind === 'network')
          this.seen.push(`${batch.room.name} network ${content.present ? 'present' : 'away'} ${content.count}`);
      } else if (item.change.kind === 'joined') {
        this.seen.push(`${batch.room.name} joined ${item.change.members.map((member) => member.nick).join(' ')}${own}`);
      } else if (item.change.kind === 'left') {
        this.seen.push(
          `${batch.room.name} left ${item.change.members.map((member) => member.nick).join(' ')} by ${item.change.cause.kind}${own}`,
        );
      } else if (item.change.kind === 'member') {
        this.seen.push(
          `${batch.room.name} member ${item.change.after.nick} operator=${item.change.after.operator} voice=${item.change.after.voice} ${item.change.after.affiliation}`,
        );
      }
    }
  }
  userChanged(change: UserChange): void {
    this.seen.push(
      change.kind === 'quit'
        ? `quit ${change.before.nick}: ${change.reason}`
        : `${change.kind} ${change.before.nick} -> ${change.after.nick}`,
    );
  }
  privateMessage(record: PrivateRecord, via: Session | undefined): void {
    const { content } = record;
    const text = content.kind === 'private' ? content.text.plain : `invited to ${content.room}`;
    this.seen.push(`private <${content.author.nick}> to ${content.to.nick}: ${text}${via === this.session ? ' (own)' : ''}`);
  }
  unicast(message: Unicast): void {
    this.seen.push(`unicast ${message.protocol} from ${message.from.nick}`);
  }
  attached(room: Room): void {
    this.seen.push(`attached ${room.name}`);
  }
  detached(room: Room): void {
    this.seen.push(`detached ${room.name}`);
  }
  ended(reason: string): void {
    this.seen.push(`ended: ${reason}`);
  }
  /** What was seen since the last call. */
  take(): string[] {
    return this.seen.splice(0);
  }
}

export function value<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`refused: ${outcome.refusal.code}: ${outcome.refusal.text}`);
  return outcome.value;
}

export function refusalOf(outcome: Outcome<unknown>): string {
  return outcome.ok ? 'accepted' : outcome.refusal.code;
}

const connection = { client: 'test', remoteAddress: '192.0.2.1', secure: true };

export function guest(core: Core, nick: string, remoteAddress = '192.0.2.1'): Recorder {
  const recorder = new Recorder();
  recorder.session = value(core.users.connectGuest({ ...connection, remoteAddress, nick }, recorder));
  return recorder;
}

export function signedIn(core: Core, account: string): Recorder {
  const recorder = new Recorder();
  recorder.session = value(core.users.connectAccount({ ...connection, account }, recorder));
  return recorder;
}

export function text(plain: string): { text: ReturnType<typeof plainText>; style: 'normal' } {
  return { text: plainText(plain), style: 'normal' };
}

/** Lets everything that is queued happen. */
export async function quiet(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}
