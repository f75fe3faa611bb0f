/** The program behind `npm run sim -- --mutations`: breaks the compiled tree on purpose, in one place at a time, and shows that the simulator finds it. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository } from '../support/root.ts';

interface Mutation {
  readonly what: string;
  readonly file: string;
  /** Compiled text that is there once, and what stands there instead. */
  readonly from: string;
  readonly to: string;
  /** In what kind of run it shows. */
  readonly option?: '--wipes' | '--hostile';
}

const mutations: readonly Mutation[] = [
  {
    what: 'what comes after a fork is not taken back',
    file: 'copy.js',
    from: 'this.#lineage = to.number === 0 ? kept : [...kept, to];',
    to: '',
  },
  {
    what: 'the leader forgets which ids it has logged',
    file: 'intake.js',
    from: 'if (logged !== undefined) {',
    to: 'if (logged === -1) {',
  },
  {
    what: 'a session is taken in any order',
    file: 'intake.js',
    from: 'if (number > session.expected)',
    to: 'if (number < 0)',
  },
  {
    what: 'unanswered submissions are not repeated',
    file: 'outbox.js',
    from: 'this.#repeat(session);',
    to: '',
  },
  {
    what: 'records taken back are not offered again',
    file: 'outbox.js',
    from: 'this.#returned.set(record.id, item);',
    to: '',
  },
  {
    what: 'own words come before what was taken back',
    file: 'outbox.js',
    from: 'for (const item of [...this.#returned.values(), ...this.#own.values()]) {\n            if (item.done',
    to: 'for (const item of [...this.#own.values(), ...this.#returned.values()]) {\n            if (item.done',
  },
  {
    what: 'the cursor of a child does not go back with the copy',
    file: 'children.js',
    from: 'child.cursor = to;',
    to: '',
  },
  {
    what: 'a child that left is sent everything',
    file: 'children.js',
    from: 'if (this.#children.get(node)?.serial === serial)',
    to: 'if (serial < 0)',
  },
  {
    what: 'a link counts when one end reports it',
    file: 'topology.js',
    from: 'if (back !== undefined)',
    to: 'if (to !== undefined)',
  },
  {
    what: 'no stand-in leads',
    file: 'room.js',
    from: 'return this.standIns?.nodes.find((node) => topology.reaches(node));',
    to: 'return undefined;',
  },
  {
    what: 'members of unreachable nodes stay',
    file: 'roster.js',
    from: 'this.#set(owner, undefined);\n                if',
    to: 'if',
  },
  {
    what: 'changes of members are not passed on',
    file: 'roster.js',
    from: "this.#send(child, { kind: 'members-change'",
    to: "if (version < 0) this.#send(child, { kind: 'members-change'",
  },
  {
    what: 'a home without its disk asks nobody',
    file: 'children.js',
    from: 'if (best === undefined || furtherThan(end, best.end))',
    to: 'if (best !== undefined)',
    option: '--wipes',
  },
  {
    what: 'a head need not fit its records',
    file: 'uplink.js',
    from: 'head.chain !== branch.last.chain ||',
    to: '',
    option: '--hostile',
  },
];

/** How the simulator sees that mutation: what it found, or undefined. */
function found({ file, from, to, option }: Mutation): string | undefined {
  const scratch = mkdtempSync(join(tmpdir(), 'banyan-mutation-'));
  try {
    writeFileSync(join(scratch, 'package.json'), '{ "type": "module" }');
    symlinkSync(join(repository, 'node_modules'), join(scratch, 'node_modules'));
    mkdirSync(join(scratch, 'test'));
    for (const part of ['server', 'test/sim', 'test/support'])
      cpSync(join(repository, 'dist', part), join(scratch, part), { recursive: true });
    const path = join(scratch, 'server', 'tree', file);
    const source = readFileSync(path, 'utf8');
    if (source.split(from).length !== 2) throw new Error(`${file} does not have this once: ${from}`);
    writeFileSync(path, source.replace(from, to));
    for (let seed = 1; seed <= 60; seed += 5) {
      const options = ['--seed', String(seed), '--runs', '5', '--nodes', '7', '--seconds', '20', ...(option === undefined ? [] : [option])];
      const run = spawnSync(process.execPath, [join(scratch, 'test', 'sim', 'main.js'), ...options], { encoding: 'utf8', timeout: 60_000 });
      if (run.status !== 0) return /FAILED seed (\d+).*?\): (.*)/.exec(run.stdout)?.slice(1).join(': ') ?? 'it does not end';
    }
    return undefined;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

let missed = 0;
for (const mutation of mutations) {
  const finding = found(mutation);
  if (finding === undefined) missed += 1;
  process.stdout.write(
    `${finding === undefined ? 'MISSED' : 'found '} ${mutation.what}${finding === undefined ? '' : ` (seed ${finding.slice(0, 120)})`}\n`,
  );
}
process.stdout.write(`${mutations.length - missed} passed, ${missed} failed\n`);
process.exitCode = missed === 0 ? 0 : 1;
