import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { eventually } from './wait.ts';

/** One received line, taken apart (RFC 1459 section 2.3.1, IRCv3 message tags). */
export interface IrcLine {
  readonly raw: string;
  readonly tags: ReadonlyMap<string, string>;
  /** Without the colon: `nick!user@host` or a server's name. */
  readonly source: string;
  /** Of the source. */
  readonly nick: string;
  readonly command: string;
  readonly params: readonly string[];
}

export interface IrcClientOptions {
  readonly port: number;
  readonly nick: string;
  readonly user?: string;
  readonly realName?: string;
  readonly password?: string;
  /** Connect with TLS, whatever the certificate. */
  readonly tls?: boolean;
  /** Capabilities to ask for; without any, no CAP line is sent. */
  readonly capabilities?: readonly string[];
  /** SASL PLAIN; needs capability `sasl`, which is added. */
  readonly account?: { readonly name: string; readonly password: string };
}

/** A small raw IRC client: sends lines as they are given, keeps what it gets, answers PING. */
export interface IrcClient {
  /** The nick that the server last said is ours. */
  readonly nick: string;
  readonly lines: readonly IrcLine[];
  send(line: string): void;
  sendBytes(bytes: Uint8Array): void;
  /** The first line, from `since` on (an index of `lines`), that matches; waits for it. */
  expect(
    what: string,
    matches: (line: IrcLine) => boolean,
    options?: { readonly since?: number; readonly within?: number },
  ): Promise<IrcLine>;
  /** Waits until the server has answered everything sent so far, and answers with the lines since then. */
  sync(): Promise<readonly IrcLine[]>;
  /** Joins and waits for the end of NAMES; answers with the shown names, prefixes included. */
  join(channel: string, key?: string): Promise<readonly string[]>;
  /** Asks NAMES anew. */
  names(channel: string): Promise<readonly string[]>;
  /** Resolves when the connection is closed by the other side. */
  readonly closed: Promise<void>;
  readonly open: boolean;
  quit(reason?: string): Promise<void>;
  /** Breaks the connection without a word. */
  drop(): void;
}

/** Connects and registers; resolves after the MOTD (376 or 422). */
export async function connectIrc(options: IrcClientOptions): Promise<IrcClient> {
  const client = await openIrc(options);
  const { nick, user = nick, realName = nick, account } = options;
  const capabilities = [...(options.capabilities ?? []), ...(account ? ['sasl'] : [])];
  if (capabilities.length > 0) client.send('CAP LS 302');
  if (options.password !== undefined) client.send(`PASS ${options.password}`);
  client.send(`NICK ${nick}`);
  client.send(`USER ${user} 0 * :${realName}`);
  if (capabilities.length > 0) {
    await client.expect('CAP LS', (line) => line.command === 'CAP' && line.params[1] === 'LS' && line.params[2] !== '*');
    client.send(`CAP REQ :${capabilities.join(' ')}`);
    const answer = await client.expect(
      'CAP ACK',
      (line) => line.command === 'CAP' && (line.params[1] === 'ACK' || line.params[1] === 'NAK'),
    );
    if (answer.params[1] === 'NAK') throw new Error(`capabilities refused: ${answer.raw}`);
    if (account) {
      client.send('AUTHENTICATE PLAIN');
      await client.expect('AUTHENTICATE +', (line) => line.command === 'AUTHENTICATE');
      client.send(`AUTHENTICATE ${Buffer.from(`\0${account.name}\0${account.password}`).toString('base64')}`);
      const verdict = await client.expect('the verdict of SASL', (line) => /^90[0-7]$/.test(line.command) && line.command !== '900');
      if (verdict.command !== '903') throw new Error(`SASL failed: ${verdict.raw}`);
    }
    client.send('CAP END');
  }
  await client.expect('the end of registration', (line) => line.command === '376' || line.command === '422', { within: 15_000 });
  return client;
}

/** Only connects: for tests of what comes before registration. */
export async function openIrc(options: Pick<IrcClientOptions, 'port' | 'nick' | 'tls'>): Promise<IrcClient> {
  const socket: Socket = options.tls
    ? connectTls({ host: '127.0.0.1', port: options.port, rejectUnauthorized: false })
    : connectTcp(options.port, '127.0.0.1');
  await once(socket, options.tls ? 'secureConnect' : 'connect');
  socket.setNoDelay(true);
  const lines: IrcLine[] = [];
  let nick = options.nick;
  let rest = '';
  let open = true;
  let syncs = 0;
  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => {
      open = false;
      resolve();
    });
  });
  socket.on('error', () => undefined);
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop()!;
    for (const part of parts) receive(parseIrcLine(part.replace(/\r$/, '')));
  });
  function receive(line: IrcLine): void {
    if (line.command === 'PING') {
      client.send(`PONG :${line.params.at(-1) ?? ''}`);
      return;
    }
    if (line.command === '001') nick = line.params[0] ?? nick;
    if (line.command === 'NICK' && line.nick === nick) nick = line.params[0] ?? nick;
    lines.push(line);
  }
  const client: IrcClient = {
    get nick() {
      return nick;
    },
    lines,
    send: (line) => void socket.write(`${line}\r\n`),
    sendBytes: (bytes) => void socket.write(bytes),
    async expect(what, matches, { since = 0, within } = {}) {
      return await eventually(
        () => {
          const seen = lines.slice(since).map((line) => line.raw);
          return `${nick} to see ${what}${open ? '' : ' (the connection is closed)'}; since then it saw:\n${seen.slice(-40).join('\n')}`;
        },
        () => lines.slice(since).find(matches),
        within,
      );
    },
    async sync() {
      const since = lines.length;
      const token = `sync-${(syncs += 1)}`;
      client.send(`PING ${token}`);
      await client.expect('PONG', (line) => line.command === 'PONG' && line.params.at(-1) === token, { since });
      return lines.slice(since).filter((line) => !(line.command === 'PONG' && line.params.at(-1) === token));
    },
    async join(channel, key) {
      const since = lines.length;
      client.send(key === undefined ? `JOIN ${channel}` : `JOIN ${channel} ${key}`);
      const end = await client.expect(
        `the end of NAMES of ${channel}`,
        (line) => line.command === '366' || /^(?:403|405|437|47[0-9]|48[0-9])$/.test(line.command),
        { since },
      );
      if (end.command !== '366') throw new Error(`JOIN ${channel} refused: ${end.raw}`);
      return namesIn(lines.slice(since));
    },
    async names(channel) {
      const since = lines.length;
      client.send(`NAMES ${channel}`);
      await client.expect('the end of NAMES', (line) => line.command === '366', { since });
      return namesIn(lines.slice(since));
    },
    closed,
    get open() {
      return open;
    },
    async quit(reason = 'bye') {
      if (open) client.send(`QUIT :${reason}`);
      const timer = setTimeout(() => socket.destroy(), 3000);
      await closed;
      clearTimeout(timer);
    },
    drop: () => socket.destroy(),
  };
  return client;
}

/** Texts of all messages of a channel, oldest first, page by page (IRCv3 draft/chathistory). */
export async function ircHistory(client: IrcClient, channel: string): Promise<readonly string[]> {
  const texts: string[] = [];
  const page = 100;
  for (let before: string | undefined; ;) {
    const since = client.lines.length;
    client.send(before === undefined ? `CHATHISTORY LATEST ${channel} * ${page}` : `CHATHISTORY BEFORE ${channel} msgid=${before} ${page}`);
    await client.sync();
    const batch = client.lines.slice(since).filter((line) => line.tags.has('batch') && line.command !== 'BATCH');
    texts.unshift(...batch.filter((line) => line.command === 'PRIVMSG').map((line) => line.params[1] ?? ''));
    const first = batch.find((line) => line.tags.has('msgid'))?.tags.get('msgid');
    if (first === undefined || first === before) return texts;
    before = first;
  }
}

function namesIn(lines: readonly IrcLine[]): string[] {
  return lines
    .filter((line) => line.command === '353')
    .flatMap((line) => (line.params.at(-1) ?? '').split(' '))
    .filter((name) => name !== '');
}

const tagEscapes: ReadonlyMap<string, string> = new Map([
  [':', ';'],
  ['s', ' '],
  ['r', '\r'],
  ['n', '\n'],
]);

/** Lenient: tests look at what came, they do not judge its form here. */
export function parseIrcLine(raw: string): IrcLine {
  let rest = raw;
  const tags = new Map<string, string>();
  if (rest.startsWith('@')) {
    const end = rest.indexOf(' ');
    for (const tag of rest.slice(1, end).split(';')) {
      const [key = '', ...value] = tag.split('=');
      tags.set(
        key,
        value.join('=').replaceAll(/\\(.?)/g, (_, escaped: string) => tagEscapes.get(escaped) ?? escaped),
      );
    }
    rest = rest.slice(end + 1);
  }
  let source = '';
  if (rest.startsWith(':')) {
    const end = rest.indexOf(' ');
    source = rest.slice(1, end);
    rest = rest.slice(end + 1);
  }
  const trailing = rest.indexOf(' :');
  const params = (trailing === -1 ? rest : rest.slice(0, trailing)).split(' ').filter((part) => part !== '');
  if (trailing !== -1) params.push(rest.slice(trailing + 2));
  const command = params.shift() ?? '';
  return { raw, tags, source, nick: source.split('!')[0]!, command, params };
}
