/** The table [plugins.xmpp] of the configuration. */
import { z } from 'zod';
import { AddressError, listenAddress } from '../../server/plugin.ts';
import { prepareDomain } from './jid.ts';
import { peerLimits } from './xml/tokenizer.ts';

const domain = z.string().transform((text, context) => {
  try {
    return prepareDomain(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof AddressError ? error.message : 'is no domain' });
    return z.NEVER;
  }
});

const authentication = z.enum(['dialback', 'certificate']);
/** RFC 6120 section 13.12 lets nobody allow less than 10,000; what is parsed at once must stay small. */
const stanzaBytes = z.int().min(10_000).max(peerLimits.stanzaBytes);

export const configSchema = z.strictObject({
  /** Where other XMPP servers reach us: with STARTTLS, and with TLS from the first byte. */
  listen: z.array(listenAddress).default(['[::]:5269']),
  listen_tls: z.array(listenAddress).default(['[::]:5270']),
  /** No stanza crosses without TLS. */
  require_tls: z.boolean().default(true),
  /** How other servers prove who they are: `dialback` takes a good certificate or else dialback; `certificate` takes nothing but a certificate. */
  authentication: authentication.default('dialback'),
  /** What is different for one domain: where it is, instead of what DNS says, and how it is dealt with. */
  peers: z
    .array(
      z.strictObject({
        domain,
        /** Absent: DNS says it. */
        host: z.string().min(1).optional(),
        port: z.int().min(1).max(65_535).default(5269),
        /** TLS from the first byte instead of STARTTLS. */
        direct_tls: z.boolean().default(false),
        blocked: z.boolean().default(false),
        /** The same as below and above; absent: what holds for all. */
        require_tls: z.boolean().optional(),
        authentication: authentication.optional(),
        bytes_per_second: z.int().positive().optional(),
        bytes_at_once: z.int().positive().optional(),
        stanza_bytes: stanzaBytes.optional(),
        people: z.int().positive().optional(),
        occupants: z.int().positive().optional(),
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
  /** Bytes of the largest stanza of a server that has proved itself. */
  stanza_bytes: stanzaBytes.default(peerLimits.stanzaBytes),
  /** How many people of one domain this server knows at once, and with how many clients they may be in rooms; people of all domains. */
  people_per_domain: z.int().positive().default(2_000),
  occupants_per_domain: z.int().positive().default(4_000),
  people: z.int().positive().default(50_000),
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
