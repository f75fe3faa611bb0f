/** What is there: counted before a plugin starts and after it has stopped, both must be equal. */
import type { Core } from '../../server/core.ts';
import type { RoomState } from '../../server/directory/state.ts';
import type { VirtualClock } from './clock.ts';
import type { VirtualNet } from './net/net.ts';

export interface Footprint {
  readonly users: number;
  readonly sessions: number;
  readonly networks: number;
  /** Members of all rooms. */
  readonly members: number;
  /** Whatever receives the rooms' logs: sessions, mirrors, others. */
  readonly followers: number;
  /** Networks that mirror rooms, a room's each. */
  readonly mirrors: number;
  readonly timers: number;
  readonly listeners: number;
  /** Of listeners, of dialling, and to the HTTP port. */
  readonly connections: number;
  readonly routes: number;
  readonly commands: number;
}

export function countEverything(parts: {
  readonly core: Core;
  readonly clock: VirtualClock;
  readonly net: VirtualNet;
  readonly http: { readonly routes: number; readonly connections: number };
  readonly commands: number;
}): Footprint {
  const { core, clock, net, http, commands } = parts;
  // The rooms' followers are the core's own affair; a plugin that forgets one is what is looked for.
  const rooms = [...core.rooms.all()] as RoomState[];
  const sum = (count: (room: RoomState) => number): number => rooms.reduce((total, room) => total + count(room), 0);
  return {
    users: core.users.count.local + core.users.count.foreign,
    sessions: core.users.count.sessions,
    networks: [...core.networks.all()].length,
    members: sum((room) => room.members.size),
    followers: sum((room) => room.followers.size),
    mirrors: sum((room) => room.networks.size),
    timers: clock.pending,
    listeners: net.open.listeners,
    connections: net.open.connections + http.connections,
    routes: http.routes,
    commands,
  };
}
