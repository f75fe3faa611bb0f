/** The table [plugins.irc-clients] of the configuration. */
import { z } from 'zod';
import { listenAddress } from '../../server/plugin.ts';

export const configSchema = z.strictObject({
  /** Plain listeners; on loopback unless you mean it. */
  listen: z.array(listenAddress).default(['127.0.0.1:6667']),
  /** TLS listeners. */
  listen_tls: z.array(listenAddress).default(['[::]:6697']),
  /** Seconds of silence after which a client is asked whether it is there. */
  ping_interval: z.number().min(1).max(3_600).default(90),
  /** Seconds it has to answer. */
  ping_timeout: z.number().min(1).max(3_600).default(60),
  /** Seconds a connection has to register. */
  registration_deadline: z.number().min(1).max(600).default(30),
  /** Lines that a client may send at once, and each second from then on; more is not lost, but read later. */
  burst_lines: z.number().min(1).default(30),
  lines_per_second: z.number().min(0.1).default(5),
  /** Bytes that may wait for a client that does not read. */
  send_queue: z.number().int().min(65_536).default(2_097_152),
  /** Messages that a client is shown when it comes into a room, if it knows server-time and does not ask itself; 0: none. */
  replay_lines: z.number().int().min(0).max(200).default(50),
  /** Shown by ADMIN. */
  admin: z.array(z.string()).max(3).default([]),
});

export type Config = z.infer<typeof configSchema>;
