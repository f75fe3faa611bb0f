/** The table [plugins.irc-link] of the configuration. */
import { z } from 'zod';
import { AddressError, listenAddress, prepareName } from '../../server/plugin.ts';
import { dialects } from './dialects/index.ts';

const serverName = z
  .string()
  .regex(/^[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+$/, 'must be a server name with a dot, for example "irc.example.org"');
const word = z.string().regex(/^[^\s:][^\s]*$/, 'must be one word that does not begin with a colon');

/** What happens on a network always happened there; each of these lets it count here. */
const linkRights = ['kick', 'kill', 'topic', 'status', 'ban', 'mode', 'rename', 'account'] as const;

const shared = z.union([
  z.string(),
  z.strictObject({ room: z.string(), channel: z.string().regex(/^#[^\s,]+$/, 'must be a channel name that begins with #') }),
]);

/** A room alone has the channel of its name. */
function pair(entry: z.output<typeof shared>): { readonly room: string; readonly channel: string } {
  return typeof entry === 'string' ? { room: entry, channel: `#${entry}` } : entry;
}

const sharedRooms = z
  .array(shared)
  .min(1)
  .check(({ value, issues }) => {
    for (const [index, entry] of value.entries()) {
      try {
        prepareName(pair(entry).room);
      } catch (error) {
        if (!(error instanceof AddressError)) throw error;
        issues.push({ code: 'custom', input: entry, path: [index], message: error.message, continue: true });
      }
    }
  })
  .check(each({ room: (entry) => pair(entry).room.toLowerCase(), channel: (entry) => pair(entry).channel.toLowerCase() }))
  .transform((entries) => entries.map(pair));

type Check<Item> = (payload: z.core.ParsePayload<readonly Item[]>) => void;

/** Of two entries that are alike in something, the second is the mistake. */
function each<Item>(keys: Readonly<Record<string, (item: Item) => string>>): Check<Item> {
  return ({ value, issues }) => {
    for (const [name, keyOf] of Object.entries(keys)) {
      const seen = new Set<string>();
      for (const [index, item] of value.entries()) {
        const key = keyOf(item);
        if (seen.has(key))
          issues.push({ code: 'custom', input: key, path: [index], continue: true, message: `has the same ${name} as another: ${key}` });
        seen.add(key);
      }
    }
  };
}

const network = z
  .strictObject({
    /** Short name: `nick%label@users.DOMAIN` for XMPP people, suffix of nicks that are taken. */
    label: z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'is 1 to 32 of a-z, 0-9 and hyphen'),
    /** What people read. Default: the label. */
    title: z.string().min(1).optional(),
    dialect: z.enum([...dialects.keys()] as [string, ...string[]]).default('inspircd'),
    /** Who we are there: name and id of our server, as the other side configured them. */
    server_name: serverName,
    server_id: z.string().optional(),
    description: z.string().default(''),
    /** The server that we link to. */
    peer_name: serverName,
    /** `host:port` to dial; without it we wait until the other side dials. */
    address: z
      .string()
      .regex(/^(?:\[[0-9a-fA-F:.%]+\]|[^:[\]\s]+):\d{1,5}$/, 'must be host:port or [v6]:port')
      .optional(),
    tls: z.boolean().default(true),
    /** SHA-256 of the peer's certificate, hex; without it the certificate must be valid for `peer_name` or the host in `address`. */
    fingerprint: z
      .string()
      .transform((text) => text.toLowerCase().replaceAll(':', ''))
      .pipe(z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits (SHA-256)'))
      .optional(),
    password_send: word,
    password_receive: word,
    /** Rooms that are shared with channels there. */
    rooms: sharedRooms,
    /** Nick of the one visible member that stands for this server there. */
    service_nick: z
      .string()
      .regex(/^[A-Za-z[\]\\`_^{|}][A-Za-z0-9[\]\\`_^{|}-]{0,29}$/, 'must be an IRC nick')
      .default('banyan'),
    /** Operators of our rooms are shown as operators there. */
    operators: z.boolean().default(true),
    /** What that network may do to rooms and people here. */
    rights: z.array(z.enum(linkRights)).default([...linkRights]),
  })
  .refine(({ dialect, server_id: id = '' }) => !dialects.has(dialect) || (dialects.get(dialect)!.serverId ?? /^$/).test(id), {
    path: ['server_id'],
    // Beside what else is wrong, so that all is told at once.
    when: ({ value }) => typeof value === 'object' && value !== null,
    message: 'does not have the form of this dialect: for InspIRCd a digit and two of A-Z and 0-9, such as "9BN"; for ngIRCd there is none',
  });

export const configSchema = z.strictObject({
  /** Where other servers may dial us. */
  listen: z.array(listenAddress).default([]),
  listen_tls: z.array(listenAddress).default([]),
  networks: z
    .array(network)
    .default([])
    .check(each({ label: ({ label }) => label, peer_name: (one) => one.peer_name.toLowerCase() })),
  /** Seconds of silence after which the peer is asked whether it is there, and after which the link is given up. */
  ping_seconds: z.number().positive().default(30),
  silence_seconds: z.number().positive().default(90),
  /** Seconds between two attempts to dial: at first, and at most. */
  retry_seconds: z.number().positive().default(2),
  retry_at_most_seconds: z.number().positive().default(60),
  /** Bytes that may wait for a peer that does not read; beyond them its link is closed. Holds a burst. */
  outbox_bytes: z.int().min(65_536).default(16_777_216),
  /** What is sent after a break: at most so many events of a room, none older than so many minutes. */
  replay_events: z.int().nonnegative().default(500),
  replay_minutes: z.number().nonnegative().default(60),
});

export type Config = z.output<typeof configSchema>;
export type NetworkConfig = Config['networks'][number];
