/**
 * What nodes say to each other: one union, all plain data, so that a trunk only has to carry it. What a message costs is
 * counted per flush, not per event: whatever the receiver can compute (numbers, digests, chain hashes) is not in it.
 */
import type { Domain, NetworkAddress, RoomAddress, UserAddress } from '../model/address.ts';
import type { LoggedContent, Position } from '../model/event.ts';
import type { EventId } from '../model/ids.ts';
import type { RoomFacts } from './facts.ts';

/** The name of a node: a DNS name. As long as one node serves one domain, it is that domain. */
export type NodeName = Domain;

/** What a node says of itself and its links; flooded to everybody. Signed by the node with the key that it names. */
export interface LinkState {
  readonly node: NodeName;
  /** Public key (Ed25519, SPKI, base64url). */
  readonly key: string;
  /** Grows with every start. */
  readonly incarnation: number;
  /** Grows with every record of an incarnation. */
  readonly sequence: number;
  readonly links: readonly { readonly to: NodeName; readonly cost: number }[];
  readonly signature: string;
}

/** Signed by whoever leads the room, once per flush: the log up to `number` ends with `chain`, and the room is then like `facts`. */
export interface Head {
  readonly room: RoomAddress;
  readonly epoch: string;
  readonly number: number;
  readonly chain: string;
  /** Digest of the room's facts. */
  readonly facts: string;
  readonly signature: string;
}

/** The home's leave for a node to read a room; travels with subscriptions. */
export interface Grant {
  readonly room: RoomAddress;
  readonly node: NodeName;
  /** Lowest number that it may read. */
  readonly lowest: number;
  /** Milliseconds since 1970. */
  readonly expires: number;
  readonly by: NodeName;
  readonly signature: string;
}

/** Who leads the room, in this order, for those who do not reach its home; signed by the home. */
export interface StandIns {
  readonly room: RoomAddress;
  readonly version: number;
  readonly nodes: readonly NodeName[];
  readonly signature: string;
}

/** A node's signature over what it submitted in one flush; the records keep it. */
export interface Proof {
  readonly by: NodeName;
  /** Id, time of birth and digest of each event. */
  readonly events: readonly (readonly [EventId, number, string])[];
  readonly signature: string;
}

/** A proof as it travels: of an event that travels beside it, only the index among those. */
export interface CarriedProof {
  readonly by: NodeName;
  readonly events: readonly (number | Proof['events'][number])[];
  readonly signature: string;
}

/** A record without what follows from its place; `proof` is an index into the proofs beside it. */
export interface CarriedRecord {
  readonly id: EventId;
  readonly origin: Domain | NetworkAddress;
  readonly born: number;
  readonly logged: number;
  readonly salt: string;
  readonly content: LoggedContent;
  readonly proof?: number;
}

/** Records of one epoch, the first with the number after `after`. */
export interface Segment {
  readonly after: number;
  readonly epoch: string;
  readonly records: readonly CarriedRecord[];
  readonly proofs: readonly CarriedProof[];
}

/** A member as the room's leader published it. `visit` tells one joining from the next of the same person. */
export interface MemberEntry {
  readonly address: UserAddress;
  readonly nick: string;
  readonly visit: number;
  /** First number that the member may read under history `joined`; 0 until admitted. */
  readonly since: number;
}

/** All members that one node brings to a room. The owner versions the set; the leader admits its members. */
export interface MemberSet {
  readonly owner: NodeName;
  readonly incarnation: number;
  readonly version: number;
  readonly members: readonly MemberEntry[];
}

/** Something that is to become a record, as its node submitted it, or as it was logged elsewhere and enters again. */
export interface Submission {
  readonly id: EventId;
  readonly origin: Domain | NetworkAddress;
  readonly born: number;
  readonly salt: string;
  readonly content: LoggedContent;
  readonly proof?: Proof;
}

/** What became of a submission: its number; a refusal; or it has to wait for the home itself. */
export type Settlement =
  { readonly kind: 'logged'; readonly number: number } | { readonly kind: 'refused'; readonly reason: string } | { readonly kind: 'waits' };

/** Between two nodes that need not be neighbours. Signed by the sender. */
export type Unicast =
  /**
   * Items with consecutive numbers of a session, from `first`. `oldest`: the lowest number without an answer. `since`: none of these
   * can be in the log up to that number.
   */
  | {
      readonly kind: 'submit';
      readonly room: RoomAddress;
      readonly session: string;
      readonly oldest: number;
      readonly first: number;
      readonly since: number;
      readonly items: readonly CarriedRecord[];
      readonly proofs: readonly CarriedProof[];
    }
  | {
      readonly kind: 'settle';
      readonly room: RoomAddress;
      readonly session: string;
      readonly answers: readonly (readonly [number, Settlement])[];
    }
  /** The sender's members of a room, whole. */
  | { readonly kind: 'members'; readonly room: RoomAddress; readonly set: MemberSet }
  | { readonly kind: 'grant'; readonly grant: Grant; readonly standIns: StandIns | null };

/** A room as a new follower begins with it. `lineage` ends with its position; `head` vouches for both. */
export interface Snapshot {
  readonly lineage: readonly Position[];
  readonly facts: RoomFacts;
  readonly head: Head;
}

/** Answer to `ask`. */
export type Repair =
  /** Go back to `from`, which you have, and go on with these. `head` is there when they end with it. */
  | {
      readonly kind: 'records';
      readonly from: Position;
      readonly segments: readonly Segment[];
      readonly head: Head | null;
      /** The facts at `head`. */
      readonly facts: RoomFacts | null;
    }
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }
  /** Not here, not now. */
  | { readonly kind: 'nothing' };

export type TreeMessage =
  | { readonly kind: 'link-states'; readonly states: readonly LinkState[] }
  /**
   * Follows a room on this link. `lineage`: the last position of each epoch that the follower's log holds, ascending (the newest few);
   * empty when it holds none. `roster`: digest of the members that it knows.
   */
  | {
      readonly kind: 'subscribe';
      readonly room: RoomAddress;
      readonly serial: number;
      readonly lineage: readonly Position[];
      readonly roster: string;
      readonly grant: Grant;
      readonly standIns: StandIns | null;
    }
  | { readonly kind: 'unsubscribe'; readonly room: RoomAddress; readonly serial: number }
  /** A follower behind the subscriber has more of the log than it; said while nobody leads. */
  | { readonly kind: 'ahead'; readonly room: RoomAddress; readonly serial: number; readonly lineage: readonly Position[] }
  /** The nodes from the sender to the room's leader, or none. The answer to `subscribe`, and again at each change. */
  | {
      readonly kind: 'path';
      readonly room: RoomAddress;
      readonly serial: number;
      readonly path: readonly NodeName[] | null;
      readonly standIns: StandIns | null;
    }
  | { readonly kind: 'refused'; readonly room: RoomAddress; readonly serial: number; readonly reason: string }
  /** `from`: go back to this position of yours first. `head` is there when the last segment ends with it. */
  | {
      readonly kind: 'events';
      readonly room: RoomAddress;
      readonly serial: number;
      readonly from: Position | null;
      readonly segments: readonly Segment[];
      readonly head: Head | null;
    }
  | { readonly kind: 'snapshot'; readonly room: RoomAddress; readonly serial: number; readonly snapshot: Snapshot }
  /** The facts at the follower do not have the digest of the head. */
  | { readonly kind: 'facts?'; readonly room: RoomAddress; readonly serial: number }
  | { readonly kind: 'facts'; readonly room: RoomAddress; readonly serial: number; readonly facts: RoomFacts; readonly head: Head }
  /** All owners that the sender knows, with the tags of their sets. */
  | {
      readonly kind: 'roster';
      readonly room: RoomAddress;
      readonly serial: number;
      readonly owners: readonly (readonly [NodeName, string])[];
    }
  /** Asks for the sets of these owners; for none, what all the owners are. */
  | { readonly kind: 'members?'; readonly room: RoomAddress; readonly serial: number; readonly owners: readonly NodeName[] }
  /** A set whole, or (without `set`) gone. */
  | {
      readonly kind: 'members';
      readonly room: RoomAddress;
      readonly serial: number;
      readonly owner: NodeName;
      readonly set: MemberSet | null;
    }
  /** What changed in a set since it had the tag `from`. */
  | {
      readonly kind: 'members-change';
      readonly room: RoomAddress;
      readonly serial: number;
      readonly owner: NodeName;
      readonly from: string;
      readonly incarnation: number;
      readonly version: number;
      readonly joined: readonly MemberEntry[];
      readonly left: readonly UserAddress[];
    }
  /** For whoever has the records after the newest common position, up to `upTo`. Passed on toward the leader. */
  | {
      readonly kind: 'ask';
      readonly room: RoomAddress;
      readonly token: number;
      readonly lineage: readonly Position[];
      readonly upTo: number;
      readonly hops: number;
    }
  | { readonly kind: 'repair'; readonly room: RoomAddress; readonly token: number; readonly repair: Repair }
  | {
      readonly kind: 'unicast';
      readonly from: NodeName;
      readonly to: NodeName;
      readonly hops: number;
      readonly payload: Unicast;
      readonly signature: string;
    };
