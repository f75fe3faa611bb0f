/** The plugin contract: what a plugin exports and what it is given. Implemented in server/host/. */
import type { Logger } from 'pino';
import type { ZodType } from 'zod';
import type { Domain, UserAddress } from '../model/address.ts';
import type { Affiliation } from '../model/affiliation.ts';
import type { LoggedContent, LogRecord, RoomConfig } from '../model/event.ts';
import type { Outcome, Refusal } from '../model/outcome.ts';
import type { Accounts } from './accounts.ts';
import type { Connection, Http, Net } from './net.ts';
import type { Networks } from './networks.ts';
import type { Follower, Room, Rooms } from './rooms.ts';
import type { Session, User, Users } from './users.ts';

export interface Plugin<Config = unknown> {
  readonly name: string;
  readonly version: string;
  /** Checks and types the plugin's table in the configuration; unknown keys are errors. Every key has a default or is required with a reason. */
  readonly config: ZodType<Config>;
  /** Runs without being named in the configuration. */
  readonly enabledByDefault: boolean;
  /**
   * Starts. Whatever it takes from the host (listeners, routes, hooks, timers, networks) the host takes back at stop, also
   * when start throws half way.
   */
  start(host: Host, config: Config): Promise<RunningPlugin>;
  /**
   * Rehearses the link of that name for `banyan link check` while no server runs: nothing is started, and nothing is left behind.
   * Undefined when the configuration has none; absent: cannot.
   */
  rehearse?(host: Host, config: Config, link: string): Promise<readonly LinkFinding[]> | undefined;
}

export interface RunningPlugin {
  /** Says goodbye on its connections; afterwards nothing of the plugin is left. */
  stop(): Promise<void>;
  status(): PluginStatus;
  /** Takes a new configuration without a stop; absent, or false: the host stops and starts it again. */
  reconfigure?(config: unknown): Promise<boolean>;
  /** What `banyan link trace` needs of the link of that name; undefined when there is none. Absent: links cannot be traced. */
  wire?(link: string): LinkWire | undefined;
  /** The same in the running server, where the link may stand already. */
  rehearse?(link: string): Promise<readonly LinkFinding[]> | undefined;
}

/** One thing that a rehearsal found: as it should be; what will not cross; what keeps the link from working. */
export interface LinkFinding {
  readonly verdict: 'good' | 'loss' | 'mistake';
  readonly text: string;
}

export interface LinkWire {
  /** What the link lives on now, from its handshake on. */
  readonly connection: Connection | undefined;
  /** Passwords and keys that cross it, by the names that a transcript has in their places. */
  readonly secrets: Readonly<Record<string, string>>;
}

export interface PluginStatus {
  readonly summary: string;
  readonly links: readonly LinkStatus[];
}

/** One link to a peer server, for `banyan link list/show` and metrics. */
export interface LinkStatus {
  readonly name: string;
  readonly kind: string;
  readonly state: 'down' | 'dialling' | 'handshake' | 'bursting' | 'up' | 'closing' | 'suspended';
  /** Milliseconds since 1970 of the last change of state. */
  readonly since: number;
  readonly peer: string;
  readonly tls: boolean;
  /** Messages of its protocol that came and went since the plugin was started. */
  readonly in: number;
  readonly out: number;
  /** What is still to cross to the peer; absent: nothing ever waits. */
  readonly waiting?: number;
  /** What did not cross and never will, either way, since the plugin was started: how many, by the reason in a few words. */
  readonly dropped?: Readonly<Record<string, number>>;
  /** The last error, in words. */
  readonly lastError?: string;
  readonly details?: Readonly<Record<string, string | number>>;
}

export interface Timer {
  cancel(): void;
}

/** Time. Virtual in tests. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  after(milliseconds: number, run: () => void): Timer;
  every(milliseconds: number, run: () => void): Timer;
}

/** A filter's verdict: let pass, pass changed, or refuse. */
export type Verdict<T> = { readonly pass: T } | { readonly refuse: Refusal };

/**
 * It is not done now: it went to where the room has its home, and this resolves with what became of it there. Content is logged when it
 * has come back, and resolves with its record; whoever wants to join comes in when it resolves.
 */
export interface Elsewhere<T = LogRecord> {
  readonly elsewhere: Promise<Outcome<T>>;
}

/** What somebody wants to do to others, or to the own place, in a room. */
export type Act =
  | { readonly kind: 'kick'; readonly target: User; readonly reason: string; readonly ban: boolean }
  | { readonly kind: 'grant'; readonly target: User; readonly operator?: boolean; readonly voice?: boolean }
  | { readonly kind: 'affiliation'; readonly address: UserAddress; readonly affiliation: Affiliation; readonly reason: string }
  | { readonly kind: 'ban'; readonly mask: string; readonly add: boolean }
  | { readonly kind: 'configure'; readonly changes: Partial<RoomConfig> }
  | { readonly kind: 'nick'; readonly nick: string };

export interface HookPoints {
  /** Before a message, topic or other content is appended to a room's log. `via` is the follower by which it came, if by one. */
  content: {
    readonly user: User;
    readonly room: Room;
    readonly content: LoggedContent;
    readonly via: Follower | undefined;
    /** It comes from the room's home, which has accepted it: nobody takes it there again. */
    readonly accepted: boolean;
  };
  /** `key` and `nick` are what the person gave with it. */
  join: { readonly user: User; readonly room: Room; readonly key: string | undefined; readonly nick: string };
  /** Before rights are asked: where the room has its home, they are judged. */
  act: { readonly user: User; readonly room: Room; readonly act: Act };
  register: { readonly name: string; readonly remoteAddress: string };
}

/** What a filter of each point may answer. */
export interface Verdicts {
  content: Verdict<HookPoints['content']> | Elsewhere;
  join: Verdict<HookPoints['join']> | Elsewhere<void>;
  act: Verdict<HookPoints['act']> | Elsewhere<void>;
  register: Verdict<HookPoints['register']>;
}

export interface Hooks {
  /** Filters run in ascending order of `order`; synchronous, so that messages keep theirs. The answer removes the filter again. */
  filter<Point extends keyof HookPoints>(point: Point, order: number, run: (subject: HookPoints[Point]) => Verdicts[Point]): () => void;
}

/** A slash command, offered once, available from every client protocol (`/name args` or `/msg banyan name args`). */
export interface Command {
  readonly name: string;
  readonly usage: string;
  readonly help: string;
  run(context: {
    readonly user: User;
    readonly session: Session | undefined;
    readonly room: Room | undefined;
    readonly args: string;
  }): Promise<string>;
}

export interface Commands {
  offer(command: Command): void;
  all(): Iterable<Command>;
  /** The answer for the person, or undefined when there is no such command. */
  run(name: string, context: Parameters<Command['run']>[0]): Promise<string | undefined>;
}

/** The plugin's own small durable keyspace. Values are JSON. */
export interface Store {
  get(key: string): Promise<unknown>;
  set(key: string, value: unknown): Promise<void>;
  delete(key: string): Promise<void>;
  entries(prefix: string): Promise<readonly (readonly [string, unknown])[]>;
}

export interface Metrics {
  counter(name: string, help: string, labels?: Readonly<Record<string, string>>): { add(count?: number): void };
  gauge(name: string, help: string, read: () => number, labels?: Readonly<Record<string, string>>): void;
}

/** What a client of this protocol should be pointed at; printed at start and written to the ready file. */
export interface Announcement {
  /** e.g. `web`, `irc`, `irc-tls`, `xmpp-server`. */
  readonly service: string;
  readonly address: string;
  readonly port: number;
  readonly tls: boolean;
  /** One line for a person: `IRC  irc://127.0.0.1:6667`. */
  readonly hint: string;
}

export interface Host {
  /** The domain that users and rooms live under. */
  readonly domain: Domain;
  /** The community's name. */
  readonly title: string;
  /** Message of the day, lines. */
  readonly motd: readonly string[];
  /** This server's software version. */
  readonly version: string;
  readonly startedAt: number;
  readonly net: Net;
  readonly http: Http;
  readonly users: Users;
  readonly rooms: Rooms;
  readonly accounts: Accounts;
  readonly networks: Networks;
  readonly hooks: Hooks;
  readonly commands: Commands;
  readonly store: Store;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly clock: Clock;
  /** A stable secret of this server for one purpose (32 bytes): HMAC keys for hosts, dialback, occupant ids. */
  secret(purpose: string): Buffer;
  announce(announcement: Announcement): void;
  /** Whether people may register accounts themselves. */
  readonly registration: boolean;
  /** Configured rooms: always there, first the one that newcomers are shown. */
  readonly defaultRooms: readonly string[];
}
