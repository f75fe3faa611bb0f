/**
 * The least that a server on Node.js can do: it cuts lines and copies each to the others of the room, or to one person, in one write
 * for each socket and turn of the event loop. No state, no rules, no log. What it costs is what the network and the runtime cost.
 *
 *     node dist/bench/floor.js PORT
 */
import { createServer, type Socket } from 'node:net';

interface Said {
  readonly from: Socket;
  readonly line: string;
}

const room = new Set<Socket>();
const people = new Map<string, Socket>();
let said: Said[] = [];
const direct = new Map<Socket, string>();
let scheduled = false;

function later(): void {
  if (scheduled) return;
  scheduled = true;
  setImmediate(flush);
}

function flush(): void {
  scheduled = false;
  if (said.length > 0) {
    const lines = said;
    said = [];
    const authors = new Set(lines.map(({ from }) => from));
    const all = Buffer.from(lines.map(({ line }) => line).join(''));
    for (const member of room) if (!authors.has(member)) member.write(all);
    for (const author of authors) {
      const others = lines.filter(({ from }) => from !== author).map(({ line }) => line);
      if (others.length > 0) author.write(others.join(''));
    }
  }
  for (const [to, lines] of direct) to.write(lines);
  direct.clear();
}

createServer((socket) => {
  let rest = '';
  let nick = '';
  socket.setNoDelay(true);
  socket.setEncoding('latin1');
  socket.on('error', () => undefined);
  socket.on('close', () => {
    room.delete(socket);
    people.delete(nick);
  });
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\r\n');
    rest = lines.pop()!;
    for (const line of lines) {
      if (line.startsWith('NICK ')) {
        nick = line.slice(5);
        people.set(nick, socket);
      } else if (line.startsWith('USER ')) socket.write(`:floor 376 ${nick} :\r\n`);
      else if (line.startsWith('JOIN ')) {
        room.add(socket);
        socket.write(`:floor 366 ${nick} :\r\n`);
      } else if (line.startsWith('PRIVMSG #')) said.push({ from: socket, line: `:${nick} ${line}\r\n` });
      else if (line.startsWith('PRIVMSG ')) {
        const to = people.get(line.slice(8, line.indexOf(' ', 8)));
        if (to !== undefined) direct.set(to, `${direct.get(to) ?? ''}:${nick} ${line}\r\n`);
      }
    }
    later();
  });
}).listen(Number(process.argv[2]), '127.0.0.1');
