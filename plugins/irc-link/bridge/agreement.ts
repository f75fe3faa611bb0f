/**
 * What room and channel agreed on before a break, so that after it they do again. Modes that the network set, and bans of ours that
 * it lifted, while the link stood, count there: they are kept apart, over breaks too. What differs besides was changed there
 * while the link was away; the room's value is said there once.
 */
import type { Room } from '../../../server/plugin.ts';
import type { ModeChange } from '../model/facts.ts';
import type { NetChannel, NetState, NetTopic } from '../model/state.ts';
import type { Bridge } from './bridge.ts';
import { missingBans, modeDifferences, type Differences } from './differences.ts';

/** Differences that are remembered for a room. */
const mostApart = 500;

export class Agreement {
  readonly #bridge: Bridge;
  readonly #room: Room;

  constructor(bridge: Bridge, room: Room) {
    this.#bridge = bridge;
    this.#room = room;
  }

  /** The link stands: remembers what is different, and the topic when both have the same. */
  note(state: NetState, channel: NetChannel): void {
    const { positions } = this.#bridge;
    const { address, topic } = this.#room;
    positions.update(address, { apart: this.apart(state, channel).slice(0, mostApart) });
    if (channel.topic.text === topic.text) positions.update(address, { topic: topic.text });
  }

  /** What the network has for itself, with a right to it. */
  apart(state: NetState, channel: NetChannel): readonly string[] {
    return [...this.#differences(state, channel).keys()].toSorted((a, b) => (a < b ? -1 : 1));
  }

  /** The link is back: what is to be said there so that all is as it was. Nothing while it is not known how that was. */
  mending(state: NetState, channel: NetChannel): readonly ModeChange[] {
    const apart = this.#bridge.positions.get(this.#room.address)?.apart ?? null;
    if (apart === null) return [];
    return [...this.#differences(state, channel)].filter(([key]) => !apart.includes(key)).map(([, change]) => change);
  }

  /** Whose topic stands after a break. */
  topicOf(theirs: NetTopic, anew: boolean): 'ours' | 'theirs' | 'both' {
    const agreed = this.#bridge.positions.get(this.#room.address)?.topic ?? null;
    return whoseTopic(this.#room.topic, theirs, { agreed, anew, counts: this.#bridge.grants('topic') });
  }

  #differences(state: NetState, channel: NetChannel): Differences {
    return new Map([
      ...(this.#bridge.grants('mode') ? modeDifferences(this.#room, state, channel) : []),
      ...(this.#bridge.grants('ban') ? missingBans(this.#room, channel) : []),
    ]);
  }
}

/**
 * Whose topic stands: who changed it since both had the same; of two who did, the later, and ours where topics have no times.
 * @param ours `at` in milliseconds, theirs in seconds since 1970, 0 where there are no times
 */
export function whoseTopic(
  ours: { readonly text: string; readonly at: number },
  theirs: NetTopic,
  { agreed, anew, counts }: { readonly agreed: string | null; readonly anew: boolean; readonly counts: boolean },
): 'ours' | 'theirs' | 'both' {
  if (ours.text === theirs.text) return 'both';
  // A channel that began anew has none, and without times nobody knows that one was removed.
  if (theirs.text === '' && (anew || theirs.at === 0)) return 'ours';
  const changedHere = agreed === null || ours.text !== agreed;
  if (!counts) return agreed !== null && changedHere ? 'ours' : 'both';
  if (!changedHere) return 'theirs';
  if (theirs.text === agreed) return 'ours';
  if (theirs.at === 0) return ours.text === '' ? 'theirs' : 'ours';
  return theirs.at > ours.at / 1_000 ? 'theirs' : 'ours';
}
