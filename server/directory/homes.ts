/** Rooms that have their home elsewhere: who knows the way there, and the names that the host gives them here. */
import type { RoomHomes } from '../contract/networks.ts';
import type { Room } from '../contract/rooms.ts';
import { addressParts, xmppNetworkAddress, type NetworkAddress, type RoomAddress } from '../model/address.ts';
import { accepted, refused, type Outcome } from '../model/outcome.ts';
import type { Saver } from './saver.ts';
import type { Directory, RoomState } from './state.ts';

export class Homes {
  readonly #directory: Directory;
  readonly #saver: Saver;
  readonly #offered = new Map<string, RoomHomes>();
  /** Addresses by names as they were asked for. */
  readonly #addresses = new Map<string, RoomAddress | undefined>();

  constructor(directory: Directory, saver: Saver) {
    this.#directory = directory;
    this.#saver = saver;
  }

  offer(scheme: string, homes: RoomHomes): () => void {
    if (this.#offered.has(scheme)) throw new Error(`rooms with addresses of the scheme "${scheme}" are offered already`);
    this.#offered.set(scheme, homes);
    this.#addresses.clear();
    for (const room of this.#directory.homes.values()) if (this.#of(room.home) === homes) homes.opened(room);
    return () => {
      if (this.#offered.get(scheme) !== homes) return;
      this.#offered.delete(scheme);
      this.#addresses.clear();
    };
  }

  #of(home: RoomAddress | undefined): RoomHomes | undefined {
    return home === undefined ? undefined : this.#offered.get(addressParts(home).scheme);
  }

  /** What a name means that no room of ours can have. */
  addressOf(name: string): RoomAddress | undefined {
    const known = this.#addresses.get(name);
    if (known !== undefined) return known;
    for (const homes of this.#offered.values()) {
      const address = homes.addressOf(name);
      if (address === undefined) continue;
      if (this.#addresses.size >= mostAddresses) this.#addresses.clear();
      this.#addresses.set(name, address);
      return address;
    }
    return undefined;
  }

  /** Whether the home is in that network: a network is named by the domain of its addresses. */
  isOf(home: RoomAddress, network: NetworkAddress): boolean {
    return network === xmppNetworkAddress(addressParts(home).domain);
  }

  /** From now on the room is a copy of the one there. */
  settle(room: RoomState, home: RoomAddress): void {
    room.home = home;
    this.#directory.homes.set(home, room);
    this.#of(home)?.opened(room);
  }

  /** The room is closed, or on its own again. */
  leave(room: RoomState): void {
    const { home } = room;
    if (home === undefined) return;
    if (this.#directory.homes.get(home) === room) this.#directory.homes.delete(home);
    room.home = undefined;
    this.#of(home)?.closed(room);
  }

  /** The room elsewhere that can get a name here: that of `room`, when it is here already. */
  namable(text: string, room: RoomState | undefined): Outcome<RoomAddress> {
    const home = this.addressOf(text);
    if (home === undefined) return refused('bad-name', `"${text}" is no address of a room that a plugin here can reach.`);
    if (addressParts(home).scheme === 'banyan') return refused('bad-name', `"${text}" is a room of this server.`);
    if (room?.home === home) return accepted(home);
    const other = this.#directory.homes.get(home);
    if (other !== undefined && (other.members.size > 0 || other.entering > 0 || other.config.persistent))
      return refused('name-taken', `"${text}" is here as ${other.name}, and somebody is in it or it is kept; that has to end first.`);
    return accepted(home);
  }

  /** Gives it that name: the room of the name becomes its copy, and stays when nobody is in it. */
  alias(room: RoomState, home: RoomAddress): Outcome<Room> {
    if (room.home !== home) {
      this.leave(room);
      this.settle(room, home);
    }
    room.config = { ...room.config, persistent: true };
    this.#saver.room(room);
    return accepted(room);
  }

  /** Takes the name from it again; the room of the name stays, with what was said. */
  unalias(room: RoomState): Outcome<void> {
    if (room.home === undefined || room.home === room.address) return refused('no-such-room', `"${room.name}" has its home here.`);
    this.leave(room);
    this.#saver.room(room);
    return accepted(undefined);
  }
}

const mostAddresses = 4_096;
