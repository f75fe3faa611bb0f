/** `npm run check`: everything that a tool can say about the source without running it. All steps run; every failing one is shown. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bin = (name) => join(root, 'node_modules', '.bin', name);

const steps = [
  { title: 'types of the server and the tests', command: [bin('tsc'), '--project', '.', '--noEmit', '--incremental', 'false'] },
  {
    title: 'types of the page',
    command: [bin('tsc'), '--project', 'plugins/web/page', '--noEmit'],
    needs: 'plugins/web/page/tsconfig.json',
  },
  { title: 'lint', command: [bin('oxlint'), '--type-aware', '--quiet'] },
  { title: 'format (remedy: npm run format)', command: [bin('prettier'), '--check', '--log-level', 'warn', '.'] },
  { title: 'borders and house rules', command: [process.execPath, 'scripts/check-borders.mjs'] },
  { title: 'dead code and unused packages', command: [bin('knip'), '--no-progress'] },
];

/** Two at a time: the tools are short, and most of them use one core. */
const waiting = steps.filter((step) => step.needs === undefined || existsSync(join(root, step.needs)));
const results = new Map();
let failed = 0;
await Promise.all([worker(), worker()]);
for (const [step, { code, seconds, output }] of results) {
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${step.title} (${seconds.toFixed(1)} s)`);
  if (code !== 0) console.log(output.trimEnd().replace(/^/gm, '       '));
}
process.exitCode = failed === 0 ? 0 : 1;

async function worker() {
  for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
    results.set(step, undefined);
    const result = await run(step.command);
    if (result.code !== 0) failed += 1;
    results.set(step, result);
  }
}

function run([command, ...args]) {
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output, seconds: (performance.now() - begun) / 1000 }));
  });
}
