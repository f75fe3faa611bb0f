/** What a configuration file may say, with defaults that make a safe server without one. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { listenAddress } from '../contract/listen-address.ts';
import { defaultCoreLimits } from '../core.ts';
import { addressParts, AddressError, parseDomain, parseRoomAddress, prepareName, type Domain } from '../model/address.ts';

const domain = z.string().transform((text, context): Domain => {
  try {
    return parseDomain(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof AddressError ? error.message : 'is no domain' });
    return z.NEVER;
  }
});

const roomName = z.string().transform((text, context) => {
  try {
    return prepareName(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof AddressError ? error.message : 'is no name of a room' });
    return z.NEVER;
  }
});

/** An address, or a range of them as `address/prefix`. */
const addressRange = z.string().refine((text) => {
  const [address = '', prefix, more] = text.split('/');
  const bits = isIP(address) === 4 ? 32 : 128;
  return isIP(address) !== 0 && more === undefined && (prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits));
}, 'must be an address or a range, for example "127.0.0.1" or "172.16.0.0/12"');

const count = (fallback: number): z.ZodDefault<z.ZodInt> => z.int().positive().default(fallback);

const roomElsewhere = z.string().transform((text, context) => {
  try {
    const address = parseRoomAddress(text);
    if (addressParts(address).scheme !== 'banyan') return address;
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
  }
  context.addIssue({ code: 'custom', message: 'must be the address of a room elsewhere, for example "xmpp:den@conference.example.org"' });
  return z.NEVER;
});

const room = z.strictObject({
  name: roomName,
  /** The room is a name here for one that is elsewhere. */
  home: roomElsewhere.optional(),
  title: z.string().default(''),
  topic: z.string().default(''),
  /** Who reads what: everything, from the own first joining on (the default where there is a `home`), or nothing. */
  history: z.enum(['all', 'joined', 'none']).optional(),
  show_joins: z.boolean().default(true),
});

/** Names that fold alike are one room, and one of two tables for it would count for nothing. */
function eachRoomOnce({ value, issues }: z.core.ParsePayload<readonly { readonly name: string }[]>): void {
  const first = new Map<string, number>();
  for (const [index, { name }] of value.entries()) {
    const before = first.get(name);
    if (before === undefined) first.set(name, index);
    else issues.push({ code: 'custom', input: name, path: [index, 'name'], message: `is the same room as rooms[${before + 1}]` });
  }
}

/** A room elsewhere has one copy here. */
function eachHomeOnce({ value, issues }: z.core.ParsePayload<readonly { readonly home?: string | undefined }[]>): void {
  const first = new Map<string, number>();
  for (const [index, { home }] of value.entries()) {
    const before = home === undefined ? undefined : first.get(home);
    if (before !== undefined)
      issues.push({ code: 'custom', input: home, path: [index, 'home'], message: `is the home of rooms[${before + 1}] already` });
    else if (home !== undefined) first.set(home, index);
  }
}

const limits = z.strictObject({
  message_bytes: count(defaultCoreLimits.messageBytes),
  topic_bytes: count(defaultCoreLimits.topicBytes),
  nick_characters: count(defaultCoreLimits.nickCharacters),
  rooms_per_user: count(defaultCoreLimits.roomsPerUser),
  sessions_per_user: count(defaultCoreLimits.sessionsPerUser),
  guests_per_address: count(defaultCoreLimits.guestsPerAddress),
  rooms: count(defaultCoreLimits.roomsInAll),
  failed_logins: count(defaultCoreLimits.failedLogins),
  registrations: count(defaultCoreLimits.registrations),
  token_days: count(defaultCoreLimits.tokenDays),
  connections_per_address: count(100),
  strangers_per_address: count(20),
  strangers: count(2_000),
  stranger_seconds: count(30),
});

export const configSchema = z.strictObject({
  domain: domain.prefault('localhost'),
  title: z.string().min(1).default('Banyan'),
  motd: z.array(z.string()).default([]),
  data: z.string().min(1).default('data'),
  rooms: z
    .array(room)
    .prefault([{ name: 'lounge' }])
    .check(eachRoomOnce, eachHomeOnce),
  log: z.strictObject({ level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info') }).prefault({}),
  tls: z
    .strictObject({ certificate: z.string().optional(), key: z.string().optional(), authorities: z.string().optional() })
    .refine(
      (tls) => (tls.certificate === undefined) === (tls.key === undefined),
      'certificate and key belong together: give both, or none for a self-signed certificate',
    )
    .prefault({}),
  http: z
    .strictObject({
      listen: z.array(listenAddress).default(['127.0.0.1:8080']),
      listen_tls: z.array(listenAddress).default(['[::]:8443']),
      public_url: z.url().optional(),
      trusted_proxies: z.array(addressRange).default([]),
      metrics_from: z.array(addressRange).default(['127.0.0.1', '::1']),
    })
    .prefault({}),
  dns: z.strictObject({ servers: z.array(listenAddress).default([]) }).prefault({}),
  accounts: z.strictObject({ registration: z.enum(['open', 'closed']).default('open') }).prefault({}),
  limits: limits.prefault({}),
  watchdog: z
    .strictObject({ stuck_seconds: z.int().nonnegative().default(20), failures_per_minute: z.int().nonnegative().default(100) })
    .prefault({}),
});

export type Config = z.output<typeof configSchema>;

/** The tables below [plugins]; what a plugin's table holds besides is checked by the plugin's own schema. */
export const pluginTables = z.record(
  z.string(),
  z.looseObject({ enabled: z.boolean().optional(), required: z.boolean().optional(), module: z.string().min(1).optional() }),
);

export type PluginTables = z.output<typeof pluginTables>;
