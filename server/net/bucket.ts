/** A token bucket over a clock. */
import type { Bucket } from '../contract/net.ts';
import type { Clock } from '../contract/host.ts';

export function makeBucket(clock: Clock, capacity: number, perSecond: number): Bucket {
  let tokens = capacity;
  let filled = clock.now();
  const fill = (): void => {
    const now = clock.now();
    // A clock that stepped back must not take tokens away.
    if (now > filled) tokens = Math.min(capacity, tokens + ((now - filled) / 1000) * perSecond);
    filled = now;
  };
  return {
    take(count = 1) {
      fill();
      if (tokens < count) return false;
      tokens -= count;
      return true;
    },
    get wait() {
      fill();
      return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) / perSecond) * 1000);
    },
  };
}
