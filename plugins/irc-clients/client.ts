/**
 * One connected client. Reads lines at the pace that flood control allows and runs them one after another; writes what the
 * core shows. States: registering, online, closed.
 */
import {
  SmallSet,
  type AcceptedConnection,
  type Batch,
  type ConnectionHandlers,
  type PrivateRecord,
  type Room,
  type Session,
  type SessionHandler,
  type Unicast,
  type UserChange,
} from '../../server/plugin.ts';
import { parseLine } from '../irc/line.ts';
import { flag, sharedFlags } from './capabilities.ts';
import { dispatch } from './commands/index.ts';
import { oneWord } from './encode.ts';
import { Capture } from './labels.ts';
import { numerics, type Numeric } from './numerics.ts';
import { barrierProtocol, Order } from './order.ts';
import { cutBytes, isShown, render, renderAll, type OutLine } from './outgoing.ts';
import { Output } from './output.ts';
import { privateLines, unicastLines } from './private.ts';
import { LineReader, type ReaderHandlers } from './reader.ts';
import { Registration } from './registration.ts';
import { Replay } from './replay.ts';
import { piecesFor } from './fan-out.ts';
import { showRoom } from './show-room.ts';
import type { IrcServer } from './server.ts';

type State =
  | { readonly kind: 'registering'; readonly registration: Registration }
  | { readonly kind: 'online'; readonly session: Session }
  | { readonly kind: 'closed' };

const paceMilliseconds = 50;

/** The first byte of a TLS connection (RFC 8446 section 5.1): no line begins so. */
const tlsHandshake = 0x16;

export class Client implements SessionHandler, ConnectionHandlers, ReaderHandlers {
  readonly server: IrcServer;
  readonly connection: AcceptedConnection;
  /** Bits of capabilities.ts. */
  flags = 0;
  /** The client understands CAP 302. */
  capVersion = 0;
  readonly #reader: LineReader;
  readonly #output: Output;
  readonly #replay = new Replay();
  readonly #order = new Order();
  #state: State;
  #capture: Capture | undefined;
  readonly #rooms = new SmallSet<Room>();
  #heard = false;
  #heardAt: number;
  #pingedAt: number | undefined;

  constructor(server: IrcServer, connection: AcceptedConnection) {
    this.server = server;
    this.connection = connection;
    const { burst_lines: burst, lines_per_second: rate } = server.config;
    this.#reader = new LineReader(connection, server.host.clock, server.host.net.bucket(burst, rate), this);
    this.#output = new Output(connection, server.config.send_queue);
    this.#heardAt = server.now();
    this.#state = { kind: 'registering', registration: new Registration(this) };
    connection.handle(this);
  }

  get session(): Session | undefined {
    return this.#state.kind === 'online' ? this.#state.session : undefined;
  }

  get registration(): Registration | undefined {
    return this.#state.kind === 'registering' ? this.#state.registration : undefined;
  }

  /** The nick that this client is known by; `*` before registration. */
  get nick(): string {
    const { session } = this;
    if (session === undefined) return this.registration?.nick ?? '*';
    return this.server.people.of(session.user).nick;
  }

  get source(): string {
    const { session } = this;
    return session === undefined ? this.nick : this.server.people.of(session.user).source;
  }

  has(bits: number): boolean {
    return (this.flags & bits) === bits;
  }

  get rooms(): ReadonlySet<Room> {
    return this.#rooms;
  }

  isIn(room: Room): boolean {
    return this.#rooms.has(room);
  }

  // ---- reading

  /** Called by the connection. */
  onData(bytes: Buffer): void {
    if (!this.#heard && bytes[0] === tlsHandshake) {
      this.close('This port is for plain connections; TLS has a port of its own');
      return;
    }
    this.#heard = true;
    this.#heardAt = this.server.now();
    this.#pingedAt = undefined;
    this.#reader.push(bytes);
  }

  /** A stranger who sends no lines speaks no IRC. Threat class A4. */
  onTooLong(): void {
    if (this.#state.kind === 'registering') this.close('Input line was too long');
    else this.numeric('ERR_INPUTTOOLONG', 'Input line was too long');
  }

  /** Called by the reader, as is `onTooLong`. */
  onLine(line: string): Promise<void> | undefined {
    const message = parseLine(line);
    if (message === undefined) {
      if (this.#state.kind === 'registering') this.close('This is not IRC');
      return undefined;
    }
    return dispatch(this, message)?.catch((error: unknown) => {
      this.server.host.log.error({ err: error, command: message.command }, 'a command of an IRC client failed');
      this.#capture = undefined;
      this.numeric('ERR_UNKNOWNERROR', message.command, 'The server could not do that');
    });
  }

  // ---- order

  /** Counts something under way that need not be waited for, such as a message that is being stored, and what is done with its outcome. */
  underWay<T>(work: Promise<T>, done: (value: T) => void): void {
    this.#order.begin(work, done, this.server.failed);
  }

  /** The same for what is told by a call. */
  expect<T>(done: (value: T) => void): (value: T) => void {
    return this.#order.expect(done, this.server.failed);
  }

  get isSettled(): boolean {
    return this.#order.isSettled;
  }

  /** Resolves when everything that is under way has come to its end. */
  settled(): Promise<void> {
    return this.#order.settled();
  }

  /** Resolves when everything that has happened so far has been shown to this client: a message to itself goes behind it. */
  shown(): Promise<void> {
    const { session } = this;
    if (session === undefined) return Promise.resolve();
    return this.#order.barrier((data) => {
      const { user } = session;
      return this.server.host.users.unicast({ from: user, to: user.id, toSession: session.address, protocol: barrierProtocol, data });
    });
  }

  /** From here on, what the client causes is collected as the answer to a labelled command. */
  beginLabel(label: string): void {
    this.#capture = new Capture(label);
  }

  endLabel(): void {
    const capture = this.#capture;
    this.#capture = undefined;
    if (capture === undefined || this.#state.kind === 'closed') return;
    for (const part of capture.finish(this.flags, this.server.name, () => this.server.encoder.batchName())) this.#write(part);
  }

  /** For an answer of any length, before its first line: it is written as it comes. */
  beginStream(): void {
    const parts = this.#capture?.stream(this.flags, this.server.name, () => this.server.encoder.batchName()) ?? [];
    for (const part of parts) this.#write(part);
  }

  /** Resolves when the client has read enough of a stream to be sent more, or is gone. Threat class A19. */
  async paced(): Promise<void> {
    const { clock } = this.server.host;
    while (this.#output.full) await new Promise<void>((resolve) => void clock.after(paceMilliseconds, resolve));
  }

  #write(bytes: Buffer | string): void {
    if (bytes.length > 0) this.#output.write(bytes);
  }

  // ---- writing

  /** A line that answers this client, or that it caused. */
  send(line: OutLine): void {
    if (this.#state.kind === 'closed' || !isShown(line, this.flags)) return;
    this.#write(this.#capture === undefined ? render(line, this.flags) : this.#capture.own(line, this.flags));
  }

  /** Bytes that others caused; a Buffer may be shared with other clients. */
  sendBytes(bytes: Buffer | string): void {
    if (bytes.length === 0 || this.#state.kind === 'closed') return;
    this.#write(this.#capture === undefined ? bytes : this.#capture.other(bytes));
  }

  sendOthers(lines: readonly OutLine[]): void {
    this.sendBytes(renderAll(lines, this.flags));
  }

  /** A line from the server itself. */
  fromServer(text: string): void {
    this.send({ text: `:${this.server.name} ${text}` });
  }

  /** A numeric reply; the last parameter is the text. What was taken from the client's line is made one word where it must be. */
  numeric(name: Numeric, ...params: readonly string[]): void {
    const last = params.length - 1;
    const words = params.map((param, index) => {
      if (index === last) return `:${cutBytes(param.replace(/[\r\n\0]/g, ' '), 400)}`;
      return cutBytes(oneWord(param), 200);
    });
    this.fromServer(`${numerics[name]} ${this.nick} ${words.join(' ')}`);
  }

  /** A numeric whose last parameter is a word, without colon: 004, 005, 329 and the like. */
  numericWords(name: Numeric, ...params: readonly string[]): void {
    this.fromServer(`${numerics[name]} ${this.nick} ${params.map(oneWord).join(' ')}`);
  }

  notice(text: string): void {
    this.fromServer(`NOTICE ${this.nick} :${cutBytes(text, 400)}`);
  }

  // ---- state

  /** Registration is complete: called with the session. */
  online(session: Session): void {
    if (this.#state.kind !== 'registering') return;
    this.#state = { kind: 'online', session };
    this.connection.admit();
  }

  /** Ends the connection with an ERROR; the user quits with `quit` when this was the last session. */
  close(reason: string, quit = reason): void {
    if (this.#state.kind === 'closed') return;
    const text = `ERROR :Closing link: (${oneWord(this.connection.remoteAddress)}) [${cutBytes(reason, 300)}]`;
    this.#closed(quit);
    this.#output.flush();
    this.connection.end(render({ text }, 0));
  }

  /** Called by the connection. */
  onClose(error?: string): void {
    this.#closed(error ?? 'Connection closed');
  }

  #closed(reason: string): void {
    const { session } = this;
    if (this.#state.kind === 'closed') return;
    this.registration?.abort();
    this.#state = { kind: 'closed' };
    this.#reader.stop();
    this.#rooms.clear();
    this.server.clients.delete(this);
    this.#order.release();
    if (session !== undefined) this.server.host.users.disconnect(session, reason);
  }

  /** Asks a silent client whether it is there, and lets go of one that does not answer. */
  checkAlive(now: number): void {
    if (this.#state.kind !== 'online' || this.#reader.paused) return;
    const { ping_interval: interval, ping_timeout: timeout } = this.server.config;
    if (this.#pingedAt !== undefined) {
      if (now - this.#pingedAt >= timeout * 1_000) this.close(`Ping timeout: ${Math.round((now - this.#heardAt) / 1_000)} seconds`);
    } else if (now - this.#heardAt >= interval * 1_000) {
      this.#pingedAt = now;
      this.#output.write(`PING :${this.server.name}\r\n`);
    }
  }

  // ---- what the core shows

  deliver(batch: Batch): void {
    if (this.#state.kind !== 'online') return;
    this.#replay.saw(batch);
    const { encoder } = this.server;
    const now = this.server.now();
    const flags = this.flags & sharedFlags;
    const shows = piecesFor(this, batch, now);
    if (shows === 'all') {
      this.sendBytes(encoder.bytes(batch, now, flags));
      return;
    }
    const pieces = encoder.pieces(batch, now);
    if (this.#capture === undefined) {
      const texts = encoder.texts(batch, now, flags);
      let text = '';
      for (const [index, piece] of pieces.entries()) if (shows(piece)) text += texts[index]!;
      this.sendBytes(text);
      return;
    }
    for (const piece of pieces) {
      if (!shows(piece)) continue;
      if (piece.via === this) for (const line of piece.lines) this.send(line);
      else this.sendOthers(piece.lines);
    }
  }

  userChanged(change: UserChange): void {
    if (this.#state.kind !== 'online') return;
    const { lines, bytes } = this.server.userChange(change, this.flags & sharedFlags);
    if (change.before.id !== this.#state.session.user.id) {
      this.sendBytes(bytes);
      return;
    }
    // one's own being away has its numerics, one's own end its ERROR
    if (change.kind === 'away') this.tellAway(change.after.away);
    else if (change.kind !== 'quit') for (const line of lines) this.send(line);
  }

  /** Whether the person of this client is away. */
  tellAway(away: string | null): void {
    if (away === null) this.numeric('RPL_UNAWAY', 'You are no longer marked as being away');
    else this.numeric('RPL_NOWAWAY', 'You have been marked as being away');
  }

  privateMessage(record: PrivateRecord, via: Session | undefined): void {
    const { session } = this;
    if (session === undefined) return;
    const lines = privateLines(this, session, record, via);
    const { author, to } = record.content;
    const toSelf = author.address === to.address;
    // to oneself it comes twice with echo-message: as the answer, and as a message (IRCv3 labeled-response)
    if (via === session && (!toSelf || this.has(flag.echoMessage))) for (const line of lines) this.send(line);
    if (via !== session || toSelf) this.sendOthers(lines);
  }

  unicast(message: Unicast): void {
    const { session } = this;
    if (session === undefined) return;
    if (message.protocol === barrierProtocol) {
      if (message.from.id === session.user.id && typeof message.data === 'number') this.#order.pass(message.data);
      return;
    }
    this.sendOthers(unicastLines(this, message));
  }

  attached(room: Room): void {
    if (this.#state.kind !== 'online') return;
    this.#rooms.add(room);
    showRoom(this, this.#state.session, room);
    const replay = this.#replay.came(this, this.#state.session, room);
    if (replay === undefined) return;
    const show = this.#capture === undefined ? this.#output.reserve() : (text: string): void => this.sendBytes(text);
    const shown = replay.catch((error: unknown) => {
      this.server.failed(error);
      return '';
    });
    this.underWay(shown, show);
  }

  detached(room: Room): void {
    this.#rooms.delete(room);
    this.#replay.left(room);
  }

  ended(reason: string): void {
    this.close(reason);
  }
}
