/**
 * One room at one node: its copy of the log, whom it follows, who follows it, and whether it leads. This file decides who that
 * should be; uplink, children, lead, outbox, intake and roster each do their part.
 */
import type { RoomAddress } from '../model/address.ts';
import type { Position } from '../model/event.ts';
import { Children } from './children.ts';
import type { TreeContext } from './context.ts';
import { LogCopy } from './copy.ts';
import { origin } from '../log/record.ts';
import { homeEnd, standInOf } from './epoch.ts';
import { factsDigest, type RoomFacts } from './facts.ts';
import { Intake } from './intake.ts';
import { Lead } from './lead.ts';
import type { Grant, Head, NodeName, Snapshot, StandIns } from './message.ts';
import { Outbox } from './outbox.ts';
import type { KeptRoom } from './port.ts';
import { Reads } from './reads.ts';
import type { SignedRecord } from './records.ts';
import { Roster } from './roster.ts';
import { Uplink } from './uplink.ts';

export class RoomTree {
  readonly context: TreeContext;
  readonly address: RoomAddress;
  readonly home: NodeName;
  readonly copy: LogCopy;
  readonly reads: Reads;
  readonly uplink: Uplink;
  readonly children: Children;
  readonly lead: Lead;
  readonly outbox: Outbox;
  readonly intake: Intake;
  readonly roster: Roster;
  /** Somebody here follows the room; its log is with the host's storage. */
  local = false;
  /** Nobody follows it any more, but what is here may be the last copy of what the home still has to get. */
  leaving = false;
  head: Head | undefined;
  /** The newest head of the home itself that this copy ends with, or has passed. */
  homeHead: Head | undefined;
  /** The home's newest epoch that was seen here: nothing of an older one is followed. */
  homeEpoch = '';
  facts: RoomFacts | undefined;
  /** The facts at `homeHead`. */
  #homeFacts: RoomFacts | undefined;
  standIns: StandIns | undefined;
  /** This node's own leave to read. */
  grant: Grant | undefined;
  /** Since when the home is out of reach. */
  #homeless: number | undefined;
  #path: readonly NodeName[] | undefined;

  constructor(context: TreeContext, address: RoomAddress) {
    this.context = context;
    this.address = address;
    this.home = context.setup.homeOf(address);
    this.copy = new LogCopy(context.setup.limits.remembered);
    this.reads = new Reads(this);
    this.uplink = new Uplink(this);
    this.children = new Children(this);
    this.lead = new Lead(this);
    this.outbox = new Outbox(this);
    this.intake = new Intake(this);
    this.roster = new Roster(this);
  }

  get isHome(): boolean {
    return this.home === this.context.setup.name;
  }

  /** A stand-in goes on following, whoever is here. */
  get isStandIn(): boolean {
    return this.standIns?.nodes.includes(this.context.setup.name) === true;
  }

  /** Whether older records are with the storage. */
  get stored(): boolean {
    return this.local || this.isHome;
  }

  /** Whether the last epoch of the copy is over. */
  get closed(): boolean {
    return this.head !== undefined && this.head.epoch !== this.copy.last.epoch;
  }

  restore(kept: KeptRoom): void {
    this.copy.restart(kept.lineage, kept.base, kept.records);
    this.head = kept.head ?? undefined;
    this.homeHead = kept.homeHead ?? undefined;
    this.homeEpoch = this.homeHead?.epoch ?? this.homeEpoch;
    this.facts = kept.facts ?? undefined;
    this.#homeFacts = kept.homeFacts ?? undefined;
    this.standIns = kept.standIns ?? undefined;
    this.grant ??= kept.grant ?? undefined;
  }

  /** What was only passed on so far is not with the storage: the copy begins anew where the storage stands. */
  becomeLocal(kept: KeptRoom | undefined): void {
    const { standIns } = this;
    this.uplink.leave();
    this.children.restarted();
    this.copy.restart([origin], undefined, []);
    this.head = undefined;
    this.homeHead = undefined;
    this.facts = undefined;
    if (kept !== undefined) this.restore(kept);
    this.roster.showAll();
    if (standIns !== undefined && standIns.version > (this.standIns?.version ?? 0)) this.standIns = standIns;
  }

  /** Who should lead, as far as this node sees: the home; after a while without it the first stand-in within reach. */
  target(): NodeName | undefined {
    const { topology, now, setup } = this.context;
    if (topology.reaches(this.home)) {
      this.#homeless = undefined;
      return this.home;
    }
    this.#homeless ??= now;
    if (now - this.#homeless < setup.limits.patience) return undefined;
    return this.standIns?.nodes.find((node) => topology.reaches(node));
  }

  /** Whether the room is needed here: for somebody here, a follower behind this node, or what has still to reach the home. */
  get wanted(): boolean {
    return this.local || this.children.size > 0 || this.outbox.unconfirmed || this.roster.undeclared || this.isHome;
  }

  /** Looks anew who leads and whom to follow: after every change of the graph, of followers, and at every tick. */
  update(): void {
    const target = this.target();
    this.lead.update(target);
    this.uplink.update(target);
    this.announcePath();
  }

  /** The nodes from here to the leader; undefined while there is none. */
  get path(): readonly NodeName[] | undefined {
    const { name } = this.context.setup;
    if (this.lead.leading) return [name];
    const above = this.uplink.path;
    return above === undefined ? undefined : [name, ...above];
  }

  /** The leader, when the way to it is known. */
  get leader(): NodeName | undefined {
    return this.path?.at(-1);
  }

  /** Whether all that the copy has is the home's. */
  get #homes(): boolean {
    return homeEnd(this.copy.lineage)?.number === this.copy.last.number;
  }

  announcePath(): void {
    const path = this.path;
    if (path?.join() === this.#path?.join()) return;
    this.#path = path;
    this.children.pathChanged();
    this.outbox.pathChanged();
    this.roster.pathChanged();
  }

  takeStandIns(standIns: StandIns | null): void {
    if (standIns === null || standIns.room !== this.address || standIns.version <= (this.standIns?.version ?? 0)) return;
    if (!this.context.verify(this.home, 'stand-ins', standIns)) return;
    this.standIns = standIns;
    if (this.stored) this.context.put({ kind: 'stand-ins', room: this.address, standIns });
    this.children.pathChanged();
  }

  /** A leave to show: the own one, or that of a node behind this one. */
  grantToShow(): Grant | undefined {
    const own = this.grant;
    if (own !== undefined && own.expires > this.context.now) return own;
    return this.children.grant();
  }

  /** Whether a grant is the home's, or a stand-in's. */
  genuine(grant: Grant): boolean {
    const by = grant.by === this.home || this.standIns?.nodes.includes(grant.by) === true;
    return by && grant.room === this.address && this.context.verify(grant.by, 'grant', grant);
  }

  /** Whether a head may speak for the room: the home's, or that of a stand-in in an epoch of its own. */
  genuineHead(head: Head): boolean {
    const by = standInOf(head.epoch) ?? this.home;
    if (head.room !== this.address || (by !== this.home && this.standIns?.nodes.includes(by) !== true)) return false;
    return this.context.verify(by, 'head', head);
  }

  /** Whether its head may speak for the room, and for just this place and these facts. */
  vouchedFor({ lineage, facts, head }: Snapshot): boolean {
    const { number, chain } = lineage.at(-1) ?? origin;
    return head.number === number && head.chain === chain && head.facts === factsDigest(facts) && this.genuineHead(head);
  }

  /** A neighbour sent a head that is not right; where only the key of its signer is not known here, that is not the neighbour's fault. */
  doubt(neighbour: NodeName, head: Head, reason: string): void {
    const by = standInOf(head.epoch) ?? this.home;
    if (this.context.keys.get(by) !== undefined && (by === this.home || this.standIns !== undefined))
      this.context.broken(neighbour, reason);
  }

  /** New records at the end of the copy, vouched for by `head`. */
  advanced(records: readonly SignedRecord[], head: Head): void {
    this.head = head;
    if (standInOf(head.epoch) === undefined) {
      this.homeHead = head;
      this.#homeFacts = this.facts;
      this.homeEpoch = head.epoch;
    }
    if (this.stored) {
      const output = { room: this.address, records, head, facts: this.facts ?? null };
      this.context.put({ kind: this.lead.leading ? 'led' : 'records', ...output });
    }
    this.outbox.seen(records, head);
    this.children.pump();
  }

  /** The copy goes back to a position that it contains. */
  goBack(to: Position): void {
    this.copy.back(to);
    this.reads.forget();
    if (this.homeHead !== undefined && to.number < this.homeHead.number) {
      this.homeHead = undefined;
      this.#homeFacts = undefined;
    } else if (to.number === this.homeHead?.number && this.#homeFacts !== undefined) this.facts = this.#homeFacts;
    this.children.wentBack(to);
    this.outbox.lower(to.number);
    if (!this.stored) return;
    this.outbox.expectReturned();
    this.context.put({ kind: 'back', room: this.address, to });
  }

  /**
   * The room as it is now, or as it was when the home was lost: whoever begins with what a stand-in leads has to get all that the
   * stand-in numbered, for it may have to bring it to the home.
   */
  snapshot(): Snapshot | undefined {
    const { head, copy } = this;
    if (head === undefined || head.number !== copy.last.number) return undefined;
    const end = standInOf(head.epoch) === undefined ? copy.last : homeEnd(copy.lineage);
    const then = this.vouchedAt(end?.number ?? -1);
    // A leader that went back to where it began has no word of the home for that place: its own has to do.
    const { head: vouching, facts } = then.head === null && this.lead.leading ? this.vouchedAt(copy.last.number) : then;
    if (vouching === null || facts === null || vouching.facts !== factsDigest(facts)) return undefined;
    return { lineage: copy.lineage.filter(({ number }) => number <= vouching.number), facts, head: vouching };
  }

  /** The head, and the facts, of just that number. */
  vouchedAt(number: number): { readonly head: Head | null; readonly facts: RoomFacts | null } {
    if (this.head?.number === number) return { head: this.head, facts: this.facts ?? null };
    if (this.homeHead?.number === number) return { head: this.homeHead, facts: this.#homeFacts ?? null };
    return { head: null, facts: null };
  }

  tick(): void {
    if (this.leaving && !this.isStandIn && !this.outbox.unconfirmed && !this.roster.undeclared && this.#homes) {
      this.local = false;
      this.leaving = false;
      this.context.put({ kind: 'unfollowed', room: this.address });
    }
    this.update();
    this.uplink.tick();
    this.children.tick();
    this.lead.tick();
    this.outbox.tick();
    this.roster.tick();
    this.reads.tick();
  }

  flush(): void {
    this.roster.flush();
    this.outbox.flush();
    this.intake.flush();
  }
}
