/** What a tree node is given, and what it asks of its host (the server, or the simulator). */
import type { RoomAddress, UserAddress, Domain, NetworkAddress } from '../model/address.ts';
import type { Position } from '../model/event.ts';
import type { EventId } from '../model/ids.ts';
import type { RoomFacts } from './facts.ts';
import type { Grant, Head, MemberEntry, NodeName, Settlement, StandIns, Submission, TreeMessage } from './message.ts';
import type { SignedRecord } from './records.ts';
import type { Seals } from './seal.ts';

/** Times are in milliseconds. */
export interface Limits {
  /** How long the home is out of reach before a stand-in leads, or a node's members are away. */
  readonly patience: number;
  /** How long a new leader listens for followers that know more than it. */
  readonly gathering: number;
  /** After that, what was not answered is said again. */
  readonly again: number;
  /** Records of a room kept in memory, at least. */
  readonly remembered: number;
  /** Ids of a room's records by which a leader knows repetitions. */
  readonly knownIds: number;
  /** Records in one answer. */
  readonly chunk: number;
  /** Who lacks more than this begins anew with a snapshot. */
  readonly longestGap: number;
  /** Submissions of a room without an answer. */
  readonly window: number;
  /** How long a grant is valid. */
  readonly grantFor: number;
  /** Messages (and link states) of one neighbour in a second, and in a burst, before it is a flood. */
  readonly messageRate: number;
  readonly messageBurst: number;
}

export const defaultLimits: Limits = {
  patience: 2_000,
  gathering: 1_000,
  again: 2_000,
  remembered: 512,
  knownIds: 16_384,
  chunk: 256,
  longestGap: 20_000,
  window: 256,
  grantFor: 86_400_000,
  messageRate: 10_000,
  messageBurst: 50_000,
};

export interface TreeSetup {
  readonly name: NodeName;
  readonly seals: Seals;
  /** Neighbours' keys, by configuration. */
  readonly keys: Iterable<readonly [NodeName, string]>;
  /** Grows with every start, as far as the host remembers. */
  readonly incarnation: number;
  /** Unguessable text. */
  readonly random: () => string;
  readonly homeOf: (room: RoomAddress) => NodeName;
  /** Whether a node may say that something came from there. */
  readonly speaksFor: (node: NodeName, origin: Domain | NetworkAddress) => boolean;
  /** Whether a room led here admits that person now: no ban forbids it. */
  readonly admits: (room: RoomAddress, member: UserAddress) => boolean;
  readonly limits: Limits;
}

/** A room as the host kept it. `records`: the newest, at least `remembered` if there are so many. */
export interface KeptRoom {
  readonly base: Position;
  readonly lineage: readonly Position[];
  readonly records: readonly SignedRecord[];
  readonly head: Head | null;
  readonly homeHead: Head | null;
  readonly facts: RoomFacts | null;
  /** The facts at `homeHead`. */
  readonly homeFacts: RoomFacts | null;
  readonly standIns: StandIns | null;
  readonly grant: Grant | null;
}

/** What the host has to do, in this order. */
export type TreeOutput =
  | { readonly kind: 'send'; readonly to: NodeName; readonly message: TreeMessage }
  /** The neighbour broke the rules. */
  | { readonly kind: 'disconnect'; readonly neighbour: NodeName; readonly reason: string }
  /** Remember that this node has this key. */
  | { readonly kind: 'pin'; readonly node: NodeName; readonly key: string }
  /** Something that an administrator should look at. */
  | { readonly kind: 'alarm'; readonly text: string }
  /** Answer with `read`. */
  | { readonly kind: 'read'; readonly room: RoomAddress; readonly token: number; readonly after: number; readonly limit: number }
  /** Store these and show them. Whose id is kept aside was shown before: clients that cannot take anything back leave it out. */
  | {
      readonly kind: 'records';
      readonly room: RoomAddress;
      readonly records: readonly SignedRecord[];
      readonly head: Head;
      readonly facts: RoomFacts | null;
    }
  /** What this node itself numbered is now under that head. */
  | {
      readonly kind: 'led';
      readonly room: RoomAddress;
      readonly records: readonly SignedRecord[];
      readonly head: Head;
      readonly facts: RoomFacts | null;
    }
  /** Take what comes after that position out of the log, durably keep it aside, and hand it over with `returned`. */
  | { readonly kind: 'back'; readonly room: RoomAddress; readonly to: Position }
  /** The home has them: they need not be kept aside. */
  | { readonly kind: 'confirmed'; readonly room: RoomAddress; readonly ids: readonly EventId[] }
  /** The log goes on after a gap, at the end of that lineage. */
  | { readonly kind: 'snapshot'; readonly room: RoomAddress; readonly lineage: readonly Position[]; readonly facts: RoomFacts }
  | { readonly kind: 'facts'; readonly room: RoomAddress; readonly facts: RoomFacts }
  | { readonly kind: 'grant'; readonly room: RoomAddress; readonly grant: Grant }
  | { readonly kind: 'stand-ins'; readonly room: RoomAddress; readonly standIns: StandIns }
  /** From now on this node numbers the room's records, in that epoch. */
  | { readonly kind: 'lead'; readonly room: RoomAddress; readonly epoch: string; readonly interim: boolean }
  /** No longer. What is not durable by now must not become it. */
  | { readonly kind: 'follow'; readonly room: RoomAddress }
  /** Judge, number and store these, in this order; answer with `appended` and `settle`. */
  | { readonly kind: 'submitted'; readonly room: RoomAddress; readonly by: NodeName; readonly items: readonly Submission[] }
  /** What became of an own submission. */
  | { readonly kind: 'settled'; readonly room: RoomAddress; readonly id: EventId; readonly settlement: Settlement }
  /** After `unfollow`: what is stored is the home's, and changes no more. */
  | { readonly kind: 'unfollowed'; readonly room: RoomAddress }
  /** Members of a node, or (empty) no more. */
  | { readonly kind: 'members'; readonly room: RoomAddress; readonly owner: NodeName; readonly members: readonly MemberEntry[] }
  /** The leader does not admit these visits of own people. */
  | { readonly kind: 'not-admitted'; readonly room: RoomAddress; readonly addresses: readonly UserAddress[] }
  /** To the leader's host: a part of the room is out of reach, or back. */
  | { readonly kind: 'away'; readonly room: RoomAddress; readonly owner: NodeName; readonly present: boolean; readonly count: number };
