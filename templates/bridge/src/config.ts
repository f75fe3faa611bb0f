/** The table of this plugin in the configuration. */
import { z } from 'zod';

export const configSchema = z.strictObject({
  /** Short name of the network: suffix of nicks that are taken, part of its people's addresses. */
  label: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'is 1 to 32 of a-z, 0-9 and hyphen')
    .default('parley'),
  /** The server to link to, `host:port`. */
  address: z.string().regex(/^[^:\s]+:\d{1,5}$/, 'must be host:port'),
  /** Unencrypted only where nobody can listen: on the same machine. */
  tls: z.boolean().default(true),
  /** What both sides know. */
  secret: z.string().regex(/^\S+$/, 'must be one word'),
  /** Rooms that are shared with the rooms of the same names there. */
  rooms: z.array(z.string().regex(/^[a-z0-9-]{1,32}$/, 'is 1 to 32 of a-z, 0-9 and hyphen')).min(1),
  /** Seconds until a broken link is tried again; doubled each time, up to a minute. */
  retry_seconds: z.number().positive().default(2),
});

export type Config = z.output<typeof configSchema>;
