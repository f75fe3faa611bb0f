/**
 * Bans and modes that a network's operators set on a link that gives them no right to it: the room's value is said there once; who
 * sets the other one again has it, on that network alone. Compared in the beat, so that a storm of changes gets one answer.
 */
import type { LogRecord, Room, RoomConfig } from '../../../server/plugin.ts';
import type { ModeChange } from '../model/facts.ts';
import type { NetChannel, NetState } from '../model/state.ts';
import type { Bridge } from './bridge.ts';
import { banKey, foreignBans, missingBans, modeDifferences, type Differences } from './differences.ts';
import { configModes } from './room-modes.ts';

/** Answers that are remembered for a room; beyond them the network has what it wants, since nobody honest needs so many. */
const mostAnswers = 500;

export class Contest {
  readonly #bridge: Bridge;
  readonly #room: Room;

  constructor(bridge: Bridge, room: Room) {
    this.#bridge = bridge;
    this.#room = room;
  }

  /** What has been answered already: names of modes, bans with their masks. */
  get #answered(): readonly string[] {
    return this.#bridge.positions.get(this.#room.address)?.answered ?? [];
  }

  /** What the network has against the room's will. */
  overridden(state: NetState, channel: NetChannel): readonly string[] {
    const answered = new Set(this.#answered);
    return [...this.#differences(state, channel).keys()].filter((key) => answered.has(key));
  }

  /** What is to be said there now: the room's value, where the network has another and was not told yet. */
  answers(state: NetState, channel: NetChannel): readonly ModeChange[] {
    const answered = new Set(this.#answered);
    const fresh = [...this.#differences(state, channel)].filter(([key]) => !answered.has(key)).slice(0, mostAnswers - answered.size);
    if (fresh.length === 0) return [];
    this.#remember([...answered, ...fresh.map(([key]) => key)]);
    return fresh.map(([, change]) => change);
  }

  /** Something was changed here, and was said there with that: what became of it before is no answer to it. */
  changed({ content }: Pick<LogRecord, 'content'>): void {
    if (content.kind === 'ban') this.#forget([banKey(content.ban.mask)]);
    else if (content.kind === 'config') this.changedConfig(content.changes);
  }

  changedConfig(changes: Partial<RoomConfig>): void {
    this.#forget(configModes(changes).map(({ mode }) => mode));
  }

  #forget(keys: readonly string[]): void {
    const left = this.#answered.filter((key) => !keys.includes(key));
    if (left.length < this.#answered.length) this.#remember(left);
  }

  #remember(answered: readonly string[]): void {
    this.#bridge.positions.update(this.#room.address, { answered });
  }

  /** Of what this link gives no right to. */
  #differences(state: NetState, channel: NetChannel): Differences {
    return new Map([
      ...(this.#bridge.grants('mode') ? [] : modeDifferences(this.#room, state, channel)),
      ...(this.#bridge.grants('ban') ? [] : [...foreignBans(this.#room, channel), ...missingBans(this.#room, channel)]),
    ]);
  }
}
