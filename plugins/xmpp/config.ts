/** The table [plugins.xmpp] of the configuration. */
import { z } from 'zod';
import { AddressError, listenAddress } from '../../server/plugin.ts';
import { prepareDomain } from './jid.ts';

const domain = z.string().transform((text, context) => {
  try {
    return prepareDomain(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof AddressError ? error.message : 'is no domain' });
    return z.NEVER;
  }
});

export const configSchema = z.strictObject({
  /** Where other XMPP servers reach us: with STARTTLS, and with TLS from the first byte. */
  listen: z.array(listenAddress).default(['[::]:5269']),
  listen_tls: z.array(listenAddress).default(['[::]:5270']),
  /** No stanza crosses without TLS. */
  require_tls: z.boolean().default(true),
  /** How other servers prove who they are: `dialback` takes a good certificate or else dialback; `certificate` takes nothing but a certificate. */
  authentication: z.enum(['dialback', 'certificate']).default('dialback'),
  /** Where a domain is, instead of what DNS says. */
  peers: z
    .array(
      z.strictObject({
        domain,
        host: z.string().min(1),
        port: z.int().min(1).max(65_535).default(5269),
        /** TLS from the first byte instead of STARTTLS. */
        direct_tls: z.boolean().default(false),
      }),
    )
    .default([]),
  /** Domains that are not spoken with. */
  blocked: z.array(domain).default([]),
  /** Messages of a room that somebody who enters is shown, unless the client asks for fewer. */
  history_messages: z.int().min(0).max(500).default(20),
  /** Bytes a second that a server may send in the long run, and at once. */
  bytes_per_second: z.int().positive().default(1_048_576),
  bytes_at_once: z.int().positive().default(8_388_608),
  /** What may wait for one domain that cannot be reached: for how long, how many stanzas, how many bytes. */
  queue_seconds: z.int().positive().default(60),
  queue_stanzas: z.int().positive().default(50_000),
  queue_bytes: z.int().min(4_194_304).default(16_777_216),
  /** How long a private message waits for its domain; it survives a restart of this server. */
  message_seconds: z.int().positive().default(3_600),
  /** How often a server that we have a stream to is asked whether it is there, and how long it may take to answer. */
  ping_seconds: z.int().positive().default(60),
  ping_timeout_seconds: z.int().positive().default(30),
});

export type Config = z.output<typeof configSchema>;
