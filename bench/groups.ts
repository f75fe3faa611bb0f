/** All benchmarks, by the names under which they are asked for. */
import { append } from './append.ts';
import { stalls } from './burst.ts';
import { codecs } from './codecs.ts';
import { connections } from './connections.ts';
import { burst, crossing } from './links.ts';
import { fanout } from './fanout.ts';
import type { Group } from './measure.ts';
import { privateMessages } from './private.ts';

export const groups: Readonly<Record<string, Group>> = {
  codecs,
  append,
  crossing,
  burst,
  stalls,
  private: privateMessages,
  fanout,
  connections,
};
