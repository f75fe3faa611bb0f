/** What all parts of a tree node share. */
import type { RoomAddress } from '../model/address.ts';
import type { NodeName, TreeMessage, Unicast } from './message.ts';
import type { TreeOutput, TreeSetup } from './port.ts';
import type { Keyring, Sealed } from './seal.ts';
import type { Topology } from './topology.ts';

export interface TreeContext {
  readonly setup: TreeSetup;
  readonly topology: Topology;
  readonly keys: Keyring;
  readonly now: number;
  put(output: TreeOutput): void;
  send(to: NodeName, message: TreeMessage): void;
  /** Routes to a node that need not be a neighbour. */
  unicast(to: NodeName, payload: Unicast): void;
  /** Whether that link is up. */
  linked(neighbour: NodeName): boolean;
  /** Whether what is in `value.signature` is that node's signature over the rest. */
  verify(node: NodeName, what: Sealed, value: { readonly signature: string }): boolean;
  /** The neighbour did what no right one does: its link ends. */
  broken(neighbour: NodeName, reason: string): void;
  nextToken(): number;
  /** Has the room flushed at the end of this tick. */
  dirty(room: RoomAddress): void;
}

/** Signs `value` as the named kind of thing. */
export function sealed<T extends object>(context: TreeContext, what: Sealed, value: T): T & { readonly signature: string } {
  return { ...value, signature: context.setup.seals.sign(what, value) };
}
