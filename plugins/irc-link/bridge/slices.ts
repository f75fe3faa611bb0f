/** Large work in small pieces. */

/** People who come into a room as one change; more are more changes, with everything else between them. */
export const mostAtOnce = 500;

/** Milliseconds of one slice. */
export const sliceMilliseconds = 4;

/**
 * Works a list off in slices with everything else between them, so that a burst of thousands stalls nobody.
 * @returns false when `goOn` said no before the end
 */
export async function inSlices<T>(items: readonly T[], work: (item: T) => void, goOn: () => boolean): Promise<boolean> {
  let until = performance.now() + sliceMilliseconds;
  for (const item of items) {
    work(item);
    if (performance.now() < until) continue;
    await new Promise(setImmediate);
    if (!goOn()) return false;
    until = performance.now() + sliceMilliseconds;
  }
  return goOn();
}
