/** Names of epochs: `counter.random` for the home, `counter.random.node` for a stand-in that leads while the home is out of reach. */
import type { Position } from '../model/event.ts';
import type { NodeName } from './message.ts';

export function counterOf(epoch: string): number {
  const counter = Number.parseInt(epoch, 10);
  return Number.isSafeInteger(counter) ? counter : 0;
}

/** The stand-in whose epoch it is; nothing for an epoch of the home. */
export function standInOf(epoch: string): NodeName | undefined {
  const second = epoch.indexOf('.', epoch.indexOf('.') + 1);
  return second < 0 ? undefined : (epoch.slice(second + 1) as NodeName);
}

/** The newest position of a lineage that the home itself numbered. */
export function homeEnd(lineage: readonly Position[]): Position | undefined {
  return lineage.findLast(({ epoch }) => standInOf(epoch) === undefined);
}

/** Whether the home numbered more in `a` than in `b`. */
export function furtherThan(a: Position, b: Position): boolean {
  const difference = counterOf(a.epoch) - counterOf(b.epoch);
  return difference > 0 || (difference === 0 && a.number > b.number);
}

/** Of two lineages, the one in which the home numbered more. */
export function furthestOf(a: readonly Position[], b: readonly Position[]): readonly Position[] {
  const [endOfA, endOfB] = [homeEnd(a), homeEnd(b)];
  if (endOfB === undefined) return a;
  return endOfA === undefined || furtherThan(endOfB, endOfA) ? b : a;
}
