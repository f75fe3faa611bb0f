/** Passwords come from a terminal without echo, or from the standard input; never from the command line, which others can read. */
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';

/** @throws Error when no password comes */
export async function readPassword(fromStdin: boolean, prompt: string): Promise<string> {
  if (fromStdin) return readAll();
  if (!process.stdin.isTTY)
    throw new Error('there is no terminal to ask for the password; give it on the standard input with --password-stdin');
  const password = await ask(prompt);
  if (password === '') throw new Error('no password was given');
  if ((await ask('Once more: ')) !== password) throw new Error('the two passwords differ; nothing was changed');
  return password;
}

async function readAll(): Promise<string> {
  let text = '';
  for await (const piece of process.stdin) text += String(piece);
  const password = text.replace(/\r?\n$/, '');
  if (password === '') throw new Error('no password came on the standard input');
  return password;
}

async function ask(prompt: string): Promise<string> {
  process.stdout.write(prompt);
  const silent = new Writable({ write: (_piece, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true });
  const given = new AbortController();
  terminal.once('SIGINT', () => given.abort());
  terminal.once('close', () => given.abort());
  try {
    return await terminal.question('', { signal: given.signal });
  } catch {
    throw new Error('given up; nothing was changed');
  } finally {
    terminal.close();
    process.stdout.write('\n');
  }
}
