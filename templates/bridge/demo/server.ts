/**
 * A small Parley server to try the bridge with: `node dist/demo/server.js PORT SECRET`. People need nothing but netcat: the first line
 * is the nick, then every line is said in the room, but for /join ROOM, /msg NICK TEXT, /nick NICK, /topic TEXT, /kick NICK, /quit.
 */
import { createServer, type Socket } from 'node:net';
import { decode, encode, LineCutter, type Line } from '../src/codec.ts';
import { isNick } from '../src/names.ts';

interface Person {
  nick: string;
  room: string;
  /** The person's own connection, or the link of the server that the person is on. */
  readonly socket: Socket;
  readonly remote: boolean;
}

const [port = '7788', secret = 'open-sesame'] = process.argv.slice(2);
const people = new Map<string, Person>();
const links = new Set<Socket>();

createServer((socket) => {
  const cutter = new LineCutter();
  let receive = (text: string): void => {
    receive = text.startsWith('hello ') ? acceptLink(socket, text) : acceptPerson(socket, text);
  };
  socket.on('data', (bytes) => {
    const lines = cutter.push(bytes);
    if (lines === undefined) socket.destroy();
    for (const line of lines ?? []) receive(line.replace(/\r$/, ''));
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    links.delete(socket);
    for (const person of people.values()) if (person.socket === socket) quit(person, 'gone');
  });
}).listen(Number(port), '127.0.0.1', () => process.stdout.write(`Parley on 127.0.0.1:${port}\n`));

/** Shows people of a room a text, and tells the other servers. */
function publish(line: Line, room: string, text: string, from?: Socket): void {
  for (const person of people.values()) if (!person.remote && person.room === room) person.socket.write(`${text}\n`);
  for (const link of links) if (link !== from) link.write(encode(line));
}

function quit(person: Person, text: string): void {
  people.delete(person.nick);
  publish(
    { verb: 'quit', nick: person.nick, text },
    person.room,
    `* ${person.nick} has quit: ${text}`,
    person.remote ? person.socket : undefined,
  );
}

// ---- people

function acceptPerson(socket: Socket, nick: string): (text: string) => void {
  if (!isNick(nick) || people.has(nick)) {
    socket.end('That is no nick, or it is taken.\n');
    return () => undefined;
  }
  const person: Person = { nick, room: '', socket, remote: false };
  people.set(nick, person);
  enter(person, 'lounge');
  return (text) => command(person, text);
}

function enter(person: Person, room: string): void {
  const { nick } = person;
  if (person.room !== '') publish({ verb: 'leave', room: person.room, nick, text: '' }, person.room, `* ${nick} has left`);
  person.room = room;
  publish({ verb: 'join', room, nick }, room, `* ${nick} is in ${room}`);
}

function command(person: Person, text: string): void {
  const [verb = '', word = ''] = text.split(' ');
  const rest = text.slice(verb.length + word.length + 2);
  const { nick, room } = person;
  const target = people.get(word);
  if (verb === '/join' && /^[a-z0-9-]+$/.test(word)) enter(person, word);
  else if (verb === '/msg' && target !== undefined)
    target.socket.write(target.remote ? encode({ verb: 'tell', nick, to: word, text: rest }) : `(${nick}) ${rest}\n`);
  else if (verb === '/nick' && isNick(word) && target === undefined) rename(person, word);
  else if (verb === '/topic') publish({ verb: 'topic', room, nick, text: text.slice(7) }, room, `* topic: ${text.slice(7)}`);
  else if (verb === '/kick' && target?.room === room) {
    target.room = '';
    publish({ verb: 'kick', room, nick, target: word, text: rest }, room, `* ${nick} has kicked ${word}`);
  } else if (verb === '/quit') person.socket.end();
  else if (!text.startsWith('/') && text !== '') publish({ verb: 'say', room, nick, text }, room, `<${nick}> ${text}`);
}

function rename(person: Person, to: string, from?: Socket): void {
  const { nick, room } = person;
  people.delete(nick);
  person.nick = to;
  people.set(to, person);
  publish({ verb: 'nick', nick, to }, room, `* ${nick} is ${to} now`, from);
}

// ---- other servers

function acceptLink(socket: Socket, text: string): (text: string) => void {
  const hello = decode(text);
  if (hello?.verb !== 'hello' || hello.secret !== secret) {
    socket.end(encode({ verb: 'bye', text: 'the secret is another' }));
    return () => undefined;
  }
  links.add(socket);
  socket.write(encode({ verb: 'hello', name: 'demo', secret }));
  for (const { nick, room } of people.values()) if (room !== '') socket.write(encode({ verb: 'join', room, nick }));
  socket.write(encode({ verb: 'listed' }));
  return (received) => {
    const line = decode(received);
    if (line !== undefined) linked(socket, line);
  };
}

/** A server speaks for its own people only. */
function linked(socket: Socket, line: Line): void {
  if (line.verb === 'ping') socket.write(encode({ verb: 'pong', token: line.token }));
  if (!('nick' in line)) return;
  const { nick } = line;
  const known = people.get(nick);
  if (known !== undefined && known.socket !== socket) return;
  if (line.verb === 'tell') people.get(line.to)?.socket.write(`(${nick}) ${line.text}\n`);
  else if (line.verb === 'join') {
    people.set(nick, { nick, room: line.room, socket, remote: true });
    publish(line, line.room, `* ${nick} is in ${line.room}`, socket);
  } else if (line.verb === 'kick') {
    people.delete(line.target);
    publish(line, line.room, `* ${nick} has kicked ${line.target}`, socket);
  } else if (known === undefined) return;
  else if (line.verb === 'nick') rename(known, line.to, socket);
  else if (line.verb === 'quit') quit(known, line.text);
  else if (line.verb === 'leave') {
    people.delete(nick);
    publish(line, line.room, `* ${nick} has left`, socket);
  } else if (line.verb === 'say') publish(line, line.room, `<${nick}> ${line.text}`, socket);
  else if (line.verb === 'topic') publish(line, line.room, `* topic: ${line.text}`, socket);
}
