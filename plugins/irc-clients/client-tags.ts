/** Client-only tags (IRCv3 message tags): the only tags of a client that reach another. Threat class A10. */
import type { Original } from '../../server/plugin.ts';
import { isTagKey } from '../irc/line.ts';

const mostTags = 16;
const mostBytes = 2_048;

/** The tags of a client's line that may be passed on: `+name`, bounded. */
export function clientTagsIn(tags: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const kept = new Map<string, string>();
  let bytes = 0;
  for (const [key, value] of tags) {
    if (!key.startsWith('+') || !isTagKey(key)) continue;
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value) + 2;
    if (kept.size >= mostTags || bytes > mostBytes) break;
    kept.set(key, value);
  }
  return kept;
}

/** A message with what it keeps of its tags in the log. */
export function withTags<Body extends object>(body: Body, tags: ReadonlyMap<string, string>): Body & { readonly original?: Original } {
  if (tags.size === 0) return body;
  const kept = clientTagsIn(tags);
  return kept.size === 0 ? body : { ...body, original: { protocol: 'irc', data: { tags: [...kept] } } };
}

/** Reads them back; the log's content is untrusted. */
export function clientTagsOf(original: Original | undefined): ReadonlyMap<string, string> | undefined {
  return original?.protocol === 'irc' ? readTags(original.data) : undefined;
}

/** Tags in data of unknown form, `{ tags: [[key, value], ...] }`. */
export function readTags(data: unknown): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const { tags } = (typeof data === 'object' && data !== null ? data : {}) as { readonly tags?: unknown };
  if (!Array.isArray(tags)) return found;
  for (const pair of tags as readonly unknown[]) {
    if (!Array.isArray(pair)) continue;
    const [key, value] = pair as readonly unknown[];
    if (typeof key === 'string' && typeof value === 'string') found.set(key, value);
  }
  return clientTagsIn(found);
}
