#!/usr/bin/env node
/** The `banyan` command. Looks whether it can run at all before it loads anything that could not. */
import { nodeComplaint } from './cli/node-version.ts';

const complaint = nodeComplaint(process.versions.node);
if (complaint === undefined) {
  const { runProgram } = await import('./cli/program.ts');
  process.exitCode = await runProgram(process.argv);
} else {
  process.stderr.write(`banyan: ${complaint}\n`);
  process.exitCode = 1;
}
