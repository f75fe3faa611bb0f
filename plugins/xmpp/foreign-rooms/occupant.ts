/** One of ours in a room of another server: an occupant there, by an address of its own. */
import { accepted, type Affiliation, type Clock, type Outcome, type Refusal, type Timer, type User } from '../../../server/plugin.ts';
import type { Jid } from '../jid.ts';
import { nickRules } from '../muc/nicks.ts';
import type { RemotePresence, RemoteRole } from './stanzas.ts';

type Phase =
  /** It was not asked yet, or the room cannot be reached; it is tried (again). */
  | { readonly kind: 'away' }
  /** `again`: it is inside already, and asks for everything once more. */
  | { readonly kind: 'entering'; readonly nick: string; readonly attempt: number; readonly again: boolean; readonly timer: Timer }
  | { readonly kind: 'inside'; readonly nick: string }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly at: number };

/** Milliseconds within which a room answers who enters. */
const patience = 20_000;
/** Nicks that are tried. */
const mostAttempts = 5;

export class Occupant {
  readonly user: User;
  readonly jid: Jid;
  readonly #clock: Clock;
  readonly #hint: string;
  #phase: Phase = { kind: 'away' };
  readonly #waiting: ((outcome: Outcome<void>) => void)[] = [];
  /** Kept when it has left: what it said may come back still. */
  lastNick: string | undefined;
  /** To be called when it is a member of the room here, or will not be. */
  admitted: (() => void) | undefined;
  /** The nick that it is about to have. */
  expects: string | undefined;
  /** What the room has shown since it was asked to let this one in. */
  collected = new Map<string, RemotePresence>();
  /** The history is not over. */
  catchingUp = false;
  /** Milliseconds since 1970: when it came in, when the room was heard last. */
  since = 0;
  heardAt: number;
  role: RemoteRole = 'none';
  affiliation: Affiliation = 'none';
  /** Given when it was entered; a lost occupant needs it again. */
  key: string | undefined;

  constructor(user: User, jid: Jid, clock: Clock, hint: string) {
    this.user = user;
    this.jid = jid;
    this.#clock = clock;
    this.#hint = hint;
    this.heardAt = clock.now();
  }

  get phase(): Phase {
    return this.#phase;
  }
  /** Whether the room holds it for an occupant. */
  get isInside(): boolean {
    return this.#phase.kind === 'inside' || (this.#phase.kind === 'entering' && this.#phase.again);
  }
  get isEntering(): boolean {
    return this.#phase.kind === 'entering';
  }
  /** The nick there, or the one that it has asked for. */
  get nick(): string | undefined {
    return this.#phase.kind === 'inside' || this.#phase.kind === 'entering' ? this.#phase.nick : undefined;
  }
  get wantedNick(): string {
    return nickRules.legalise(this.user.nick);
  }

  /**
   * It is about to ask. @param late told when the room does not answer
   * @returns the nick to ask for
   */
  begin(late: () => void): string {
    const again = this.isInside;
    const nick = again ? this.nick! : this.wantedNick;
    this.#ask(nick, 0, again, late);
    return nick;
  }

  /** The nick is taken. @returns the next one to ask for, or nothing when enough have been tried */
  another(late: () => void): string | undefined {
    const phase = this.#phase;
    if (phase.kind !== 'entering' || phase.attempt + 1 >= mostAttempts) return undefined;
    const attempt = phase.attempt + 1;
    const nick = nickRules.variant(this.wantedNick, this.#hint, attempt);
    this.#ask(nick, attempt, false, late);
    return nick;
  }

  #ask(nick: string, attempt: number, again: boolean, late: () => void): void {
    this.#stopTimer();
    this.collected = new Map();
    this.catchingUp = true;
    this.#phase = { kind: 'entering', nick, attempt, again, timer: this.#clock.after(patience, late) };
  }

  entered(nick: string): void {
    this.#stopTimer();
    if (!this.isInside) this.since = this.#clock.now();
    this.#phase = { kind: 'inside', nick };
    this.lastNick = nick;
    this.#tell(accepted(undefined));
  }

  renamed(nick: string): void {
    this.expects = undefined;
    this.lastNick = nick;
    if (this.#phase.kind === 'inside') this.#phase = { kind: 'inside', nick };
  }

  refused(refusal: Refusal): void {
    this.#stopTimer();
    this.#phase = { kind: 'refused', refusal, at: this.#clock.now() };
    this.#tell({ ok: false, refusal });
  }

  /** It is not inside any more, or never was; it may be tried again. */
  lost(refusal: Refusal): void {
    this.#stopTimer();
    this.#phase = { kind: 'away' };
    this.expects = undefined;
    this.#tell({ ok: false, refusal });
  }

  /** What comes of its entering. */
  outcome(): Promise<Outcome<void>> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #tell(outcome: Outcome<void>): void {
    for (const resolve of this.#waiting.splice(0)) resolve(outcome);
  }

  #stopTimer(): void {
    if (this.#phase.kind === 'entering') this.#phase.timer.cancel();
  }
}
