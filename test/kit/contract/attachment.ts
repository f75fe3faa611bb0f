/** What an author writes for `contract()`: how to start the plugin with a scripted peer, and how people over there act. */
import type { KitServer, StartedPlugin } from '../server.ts';

/**
 * How a room is attached to the outside.
 *
 * - `mirror`: the network has its own copy of the room (an IRC network). What it reports does not return to it.
 * - `remote-members`: people of other servers are occupants of our room (XMPP). Each gets everything, the own messages included.
 * - `foreign-home`: the room is theirs; they accept and order. What is said here counts when it comes back from there.
 */
export type AttachmentKind = 'mirror' | 'remote-members' | 'foreign-home';

/** What somebody over there was shown. Nicks are those of their view. */
export type Sight =
  | { readonly kind: 'join' | 'leave'; readonly nick: string }
  | { readonly kind: 'kick'; readonly nick: string; readonly by: string }
  | { readonly kind: 'nick'; readonly nick: string; readonly to: string }
  | { readonly kind: 'say'; readonly nick: string; readonly text: string }
  | { readonly kind: 'private'; readonly nick: string; readonly text: string }
  | { readonly kind: 'topic'; readonly text: string }
  /** Any other command of the protocol, in words. What only keeps the link alive or acknowledges is left out altogether. */
  | { readonly kind: 'other'; readonly text: string };

/**
 * Something that this protocol, or this plugin so far, cannot carry; it is not tested then, and the plugin's README says so.
 *
 * - `private`, `nick`, `topic`, `kick`: private messages, changes of nicks, topics, kicks
 * - `split`: the loss of the link is no event of its own; its people go one by one, or later
 * - `catch-up`: what is said while the link is away is not told when it is back
 * - `waiting`: a private message to somebody whose link is away is refused, and does not wait
 */
export type Feature = 'private' | 'nick' | 'topic' | 'kick' | 'split' | 'catch-up' | 'waiting';

/**
 * The plugin, linked to a scripted peer, with the room `lounge` shared. Verbs act as a person over there; each may return as soon as
 * its bytes are written, the suite waits for what follows.
 */
export interface Attachment {
  readonly plugin: StartedPlugin;
  /** Somebody over there comes into the room. The nicks that the suite uses are of lower-case letters. */
  joins(nick: string): void | Promise<void>;
  leaves(nick: string): void | Promise<void>;
  says(nick: string, text: string): void | Promise<void>;
  /** `to` is the nick of somebody here, as their side shows it. */
  tells(nick: string, to: string, text: string): void | Promise<void>;
  renames(nick: string, to: string): void | Promise<void>;
  topic(nick: string, topic: string): void | Promise<void>;
  kicks(nick: string, target: string): void | Promise<void>;
  /**
   * What was shown since the last call: with remote members to that person alone, else to the peer as a whole, whoever is named.
   * A message that crosses in several lines is several sights.
   */
  saw(nick: string): readonly Sight[];
  /** Who is in the room in the eyes of that person, or of the peer; nicks in any order. A member that stands for the link is left out. */
  members(nick: string): readonly string[];
  /** The link breaks without a word, and is not to be had for now. */
  breaks(): void | Promise<void>;
  /** It can be had again, and is; these people are in the room over there. Resolves when the link stands. */
  returns(nicks: readonly string[]): Promise<void>;
  /** Bytes on the standing connection, as a peer that has gone mad would send them. */
  raves(bytes: Buffer): void | Promise<void>;
}

export interface ContractAdapter {
  readonly kind: AttachmentKind;
  readonly cannotCarry?: readonly Feature[];
  /** Starts the plugin with `lounge` shared and nobody over there, and resolves when the link stands. */
  open(server: KitServer): Promise<Attachment>;
}

/** Foreign homes have two verbs more: the suite decides when what was said here comes back. */
export interface ForeignHome extends Attachment {
  /** What is said here is not accepted for now: it waits over there. */
  holds(): void;
  /** What has waited is accepted, in the order in which it came. */
  accepts(): void | Promise<void>;
}
