/** Two IRC clients, in a thread of their own so that nothing else delays them, who write to each other: what the server's pauses cost people. */
import { connect, type Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

/** Milliseconds between two messages. */
const every = 4;

const { port } = workerData as { readonly port: number };
let worst = 0;
let begun = false;

function client(nick: string, onLine: (line: string) => void): Socket {
  const socket = connect({ port, host: '127.0.0.1', localAddress: '127.2.0.1', noDelay: true });
  let rest = '';
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\r\n');
    rest = lines.pop()!;
    for (const line of lines) onLine(line);
  });
  socket.on('error', () => undefined);
  socket.write(`NICK ${nick}\r\nUSER ${nick} 0 * :bench\r\n`);
  return socket;
}

const answers = client('pong', (line) => {
  const asked = / PRIVMSG pong :(\S+)$/.exec(line);
  if (asked !== null) answers.write(`PRIVMSG ping :${asked[1]!}\r\n`);
  if (line.includes(' 422 ') || line.includes(' 376 ')) begin();
});

function begin(): void {
  const asks = client('ping', (line) => {
    const answered = / PRIVMSG ping :(\S+)$/.exec(line);
    if (answered !== null) worst = Math.max(worst, performance.now() - Number(answered[1]!));
    if (begun || !(line.includes(' 422 ') || line.includes(' 376 '))) return;
    begun = true;
    // Counted from when it was due: a late timer makes the figure worse, not better.
    let due = performance.now();
    setInterval(() => {
      for (; due <= performance.now(); due += every) asks.write(`PRIVMSG pong :${due}\r\n`);
    }, every);
    parentPort!.postMessage('ready');
  });
}

/** Each question is answered with the longest way there and back, in milliseconds, since the one before. */
parentPort!.on('message', () => {
  parentPort!.postMessage(worst);
  worst = 0;
});
