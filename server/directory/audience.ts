/** Who must be told about a user: everybody who shares a room, once, however many rooms are shared. */
import type { UserChange } from '../model/event.ts';
import type { Logger } from 'pino';
import type { Delivery } from '../log/delivery.ts';
import type { Follower } from '../contract/rooms.ts';
import { viewUser, type Directory, type NetworkState, type RoomState, type SessionState, type UserState } from './state.ts';
import type { SessionHandler } from '../contract/users.ts';

export type Watcher = (change: UserChange | { readonly kind: 'introduced'; readonly user: UserState }) => void;

export class Audience {
  readonly #directory: Directory;
  readonly #delivery: Delivery;
  readonly #log: Logger;
  readonly #watchers = new Set<Watcher>();

  constructor(directory: Directory, delivery: Delivery, log: Logger) {
    this.#directory = directory;
    this.#delivery = delivery;
    this.#log = log;
  }

  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  introduced(user: UserState): void {
    for (const watcher of this.#watchers) this.#guard(() => watcher({ kind: 'introduced', user }));
  }

  /** Tells of a change in order with everything else: those who are concerned at this moment. `rooms` are those shared now. */
  tell(user: UserState, change: UserChange, rooms: Iterable<RoomState> = user.rooms): void {
    const shared = [...rooms];
    const own = [...user.sessions];
    const networks = [...this.#directory.networks.values()].filter(
      (network) => network.address !== user.network && (network.watched.has(user.id) || shared.some((room) => network.mirrors.has(room))),
    );
    this.#delivery.step(undefined, () => this.#show(change, shared, own, networks));
  }

  /** A split tells rooms, not persons; networks that watch somebody of the lost in no shared room hear of it as of a quit. */
  lost(user: UserState, reason: string): void {
    const networks = [...this.#directory.networks.values()].filter((network) => network.watched.delete(user.id));
    if (networks.length === 0) return;
    const change = { kind: 'quit', before: viewUser(user), reason } as const;
    this.#delivery.step(undefined, () => this.#tellNetworks(change, networks));
  }

  #show(change: UserChange, rooms: readonly RoomState[], own: readonly SessionState[], networks: readonly NetworkState[]): void {
    const told = new Set<Follower>();
    for (const session of own) {
      told.add(session.handler);
      if (!session.closed) this.#guard(() => session.handler.userChanged(change));
    }
    for (const room of rooms) {
      for (const [follower, kind] of room.followers) {
        if (kind !== 'session' || told.has(follower)) continue;
        told.add(follower);
        this.#guard(() => (follower as SessionHandler).userChanged(change));
      }
    }
    this.#tellNetworks(change, networks);
    for (const watcher of this.#watchers) this.#guard(() => watcher(change));
  }

  #tellNetworks(change: UserChange, networks: readonly NetworkState[]): void {
    for (const network of networks)
      if (this.#directory.networks.get(network.address) === network) this.#guard(() => network.handler.userChanged(change));
  }

  #guard(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#log.error({ err: error }, 'somebody failed on the change of a user');
    }
  }
}
