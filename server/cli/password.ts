/** Passwords come from a terminal without echo, or from the standard input; never from the command line, which others can read. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

/** @throws Error when no password comes */
export async function readPassword(fromStdin: boolean, prompt: string): Promise<string> {
  if (fromStdin) return readAll();
  if (!process.stdin.isTTY)
    throw new Error('there is no terminal to ask for the password; give it on the standard input with --password-stdin');
  const [password = '', repeated] = await ask([prompt, 'Once more: ']);
  if (password === '') throw new Error('no password was given');
  if (repeated !== password) throw new Error('the two passwords differ; nothing was changed');
  return password;
}

async function readAll(): Promise<string> {
  let text = '';
  for await (const piece of process.stdin) text += String(piece);
  const password = text.replace(/\r?\n$/, '');
  if (password === '') throw new Error('no password came on the standard input');
  return password;
}

/** One reader for all questions: what is typed ahead or pasted belongs to the next one. */
function ask(prompts: readonly string[]): Promise<readonly string[]> {
  const silent = new Writable({ write: (_piece, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true, historySize: 0 });
  const answers: string[] = [];
  process.stdout.write(prompts[0] ?? '');
  return new Promise((resolve, reject) => {
    terminal.on('line', (line) => {
      if (answers.length === prompts.length) return;
      answers.push(line);
      process.stdout.write(`\n${prompts[answers.length] ?? ''}`);
      if (answers.length === prompts.length) terminal.close();
    });
    terminal.on('SIGINT', () => terminal.close());
    terminal.on('close', () => {
      if (answers.length === prompts.length) resolve(answers);
      else reject(new Error('given up; nothing was changed'));
    });
  });
}
