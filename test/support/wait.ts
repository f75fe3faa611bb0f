import { setTimeout as sleep } from 'node:timers/promises';

export { sleep };

/** Generous: a busy machine must not fail a test that is right. */
export const defaultDeadline = 10_000;

/**
 * Waits until `check` answers something truthy, and answers it. A check that throws counts as "not yet"; at the deadline its
 * last error is the cause of the failure. `what` is said in the failure: "timed out waiting for ...".
 */
export async function eventually<T>(
  what: string | (() => string),
  check: () => T | Promise<T>,
  within = defaultDeadline,
): Promise<NonNullable<Exclude<T, false | 0 | ''>>> {
  const deadline = performance.now() + within;
  let cause: unknown;
  for (;;) {
    try {
      cause = undefined;
      const answer = await check();
      if (answer) return answer as NonNullable<Exclude<T, false | 0 | ''>>;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) {
      const wanted = typeof what === 'string' ? what : what();
      throw new Error(`timed out after ${within} ms waiting for ${wanted}`, cause === undefined ? undefined : { cause });
    }
    await sleep(20);
  }
}

/** Waits until `measure` has given the same answer for `still` milliseconds: nothing more comes. */
export async function quiet(measure: () => number | string, still = 400, within = 15_000): Promise<void> {
  const deadline = performance.now() + within;
  let last = measure();
  let since = performance.now();
  while (performance.now() - since < still) {
    if (performance.now() > deadline) throw new Error(`still no quiet after ${within} ms`);
    await sleep(25);
    const now = measure();
    if (now !== last) {
      last = now;
      since = performance.now();
    }
  }
}
