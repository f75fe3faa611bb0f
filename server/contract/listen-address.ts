/** How a configuration writes an address to listen on: one form for the server's own listeners and for those of plugins. */
import { z } from 'zod';

/** `host:port` or `[v6]:port`. */
export const listenAddress = z
  .string()
  .regex(/^(?:\[[0-9a-fA-F:.%]+\]|[^:[\]\s]+):(?:\d{1,5})$/, {
    error: 'must be host:port or [v6]:port, for example "127.0.0.1:6667"; port 0 is any free one',
    abort: true,
  })
  .refine((text) => Number(text.slice(text.lastIndexOf(':') + 1)) <= 65_535, 'has a port above 65535');
