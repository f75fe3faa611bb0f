/**
 * The suite that every bridge should pass. It uses `describe` and `it` as mocha has them in the global scope; another runner may be
 * given. Each test opens a server of its own, so that their order does not matter.
 */
import type { ContractAdapter } from './attachment.ts';
import { homeChecks } from './home-checks.ts';
import { linkChecks } from './link-checks.ts';
import { memberChecks, nameChecks, safetyChecks, talkChecks, type Check } from './suites.ts';

/** What is needed of a test runner. */
export interface Runner {
  describe(title: string, body: () => void): unknown;
  it(title: string, run: () => Promise<void>): unknown;
}

/** The checks for that kind of attachment, without those that it cannot carry. */
export function checksFor({ kind, cannotCarry = [] }: Pick<ContractAdapter, 'kind' | 'cannotCarry'>): readonly Check[] {
  const all = [...memberChecks, ...nameChecks, ...talkChecks, ...safetyChecks, ...linkChecks, ...homeChecks];
  return all.filter(({ needs, kinds = [kind] }) => kinds.includes(kind) && (needs === undefined || !cannotCarry.includes(needs)));
}

/** Registers the suite for one attachment of a plugin. @throws Error when there is no runner */
export function contract(title: string, adapter: ContractAdapter, runner: Runner = globalRunner()): void {
  runner.describe(`${title}: the contract of ${adapter.kind}`, () => {
    for (const check of checksFor(adapter)) runner.it(check.title, () => check.run(adapter));
  });
}

function globalRunner(): Runner {
  const { describe, it } = globalThis as Partial<Runner>;
  if (describe === undefined || it === undefined)
    throw new Error('contract() found no describe and it: run it with mocha, or give a runner');
  return { describe, it };
}
