/** One connected page or bot. */
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import {
  refused,
  type Account,
  type Batch,
  type Bucket,
  type Host,
  type Outcome,
  type PrivateRecord,
  type Room,
  type Session,
  type SessionHandler,
  type UserChange,
} from '../../server/plugin.ts';
import { actions } from './actions.ts';
import type { Express } from './express.ts';
import { textFrame } from './frame.ts';
import { clientFrame, protocolVersion, type ClientFrame, type ServerFrame } from './protocol.ts';

export interface WebOptions {
  /** Frames a second, and how many at once. */
  readonly rate: number;
  readonly burst: number;
  /** Milliseconds for which somebody who lost the connection stays present. */
  readonly linger: number;
  readonly registration: boolean;
}

/** More waiting than this and the page is too slow to keep. */
const outboxLimit = 4_194_304;

export type Phase =
  | { readonly name: 'strange' }
  | { readonly name: 'signing-in' }
  | { readonly name: 'present'; readonly session: Session }
  | { readonly name: 'closed' };

export class WebSession implements SessionHandler {
  readonly host: Host;
  readonly express: Express;
  readonly remoteAddress: string;
  phase: Phase = { name: 'strange' };
  readonly #socket: WebSocket;
  readonly #stream: Duplex;
  readonly #secure: boolean;
  readonly #options: WebOptions;
  readonly #bucket: Bucket;
  readonly #signedIn: () => void;
  #corked = false;

  constructor(parts: {
    host: Host;
    express: Express;
    socket: WebSocket;
    stream: Duplex;
    remoteAddress: string;
    secure: boolean;
    options: WebOptions;
    signedIn: () => void;
  }) {
    this.host = parts.host;
    this.express = parts.express;
    this.remoteAddress = parts.remoteAddress;
    this.#socket = parts.socket;
    this.#stream = parts.stream;
    this.#secure = parts.secure;
    this.#options = parts.options;
    this.#signedIn = parts.signedIn;
    this.#bucket = parts.host.net.bucket(parts.options.burst, parts.options.rate);
    const { host } = this;
    this.send({
      type: 'welcome',
      version: protocolVersion,
      domain: host.domain,
      title: host.title,
      rooms: [...host.defaultRooms],
      registration: parts.options.registration,
    });
  }

  send(frame: ServerFrame): void {
    this.#write(textFrame(JSON.stringify(frame)));
  }

  /** Everything of a tick leaves in one write. */
  #write(bytes: Buffer): void {
    if (this.phase.name === 'closed' || this.#socket.readyState !== 1) return;
    if (this.#stream.writableLength > outboxLimit) {
      this.#socket.terminate();
      return;
    }
    if (!this.#corked) {
      this.#corked = true;
      this.#stream.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#stream.uncork();
      });
    }
    this.#stream.write(bytes);
  }

  /** One text message from the client. */
  receive(text: string): void {
    if (this.phase.name === 'closed') return;
    if (!this.#bucket.take()) {
      this.close(1008, 'too many frames');
      return;
    }
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      this.#fail(undefined, 'malformed', 'That is not JSON.');
      return;
    }
    const parsed = clientFrame.safeParse(json);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      const given = (json as { id?: unknown } | null)?.id;
      this.#fail(
        typeof given === 'number' && Number.isSafeInteger(given) ? given : undefined,
        'malformed',
        `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}`,
      );
      return;
    }
    void this.#act(parsed.data);
  }

  async #act(frame: ClientFrame): Promise<void> {
    try {
      const outcome = await actions(this, frame);
      if (!outcome.ok) this.#fail(frame.id, outcome.refusal.code, outcome.refusal.text);
      else if (frame.id !== undefined) this.send({ type: 'reply', id: frame.id, ok: true, result: { ...outcome.value } });
    } catch (error) {
      this.host.log.error({ err: error, frame: frame.type }, 'a frame failed on an error of this server');
      this.close(1011, 'internal error');
    }
  }

  #fail(id: number | undefined, code: string, text: string): void {
    this.send({ type: 'reply', id: id ?? null, ok: false, code, text });
  }

  /** A ping of the WebSocket (answered by package ws, one at a time) counts like a frame: floods end. Threat class A6. */
  pinged(): void {
    if (this.phase.name !== 'closed' && !this.#bucket.take()) this.close(1008, 'too many frames');
  }

  /** Signing in did not work; while the connection lives it may be tried again. */
  strangerAgain(): void {
    if (this.phase.name === 'signing-in') this.phase = { name: 'strange' };
  }

  /** Becomes somebody. */
  async enter(
    connect: () => Outcome<Session>,
    tokens: { readonly account?: Account; readonly stay?: boolean; readonly token?: string },
  ): Promise<Outcome<object>> {
    // The connection may have gone while the password was checked: nobody must stay present without one.
    if (this.phase.name !== 'signing-in') return refused('unavailable', 'The connection has gone.');
    const outcome = connect();
    if (!outcome.ok) {
      this.strangerAgain();
      return outcome;
    }
    const session = outcome.value;
    this.phase = { name: 'present', session };
    this.#signedIn();
    const token =
      tokens.token ??
      (tokens.stay === true && tokens.account !== undefined ? await this.host.accounts.issueToken(tokens.account.name) : undefined);
    this.send(
      this.express.signedIn(session, {
        ...(token === undefined ? {} : { token }),
        ...(session.user.guest ? { guestToken: this.host.users.guestToken(session) } : {}),
      }),
    );
    for (const room of this.#early.splice(0)) this.attached(room);
    return { ok: true, value: {} };
  }

  /** Rooms that came while the token was made: the page hears who it is first. */
  readonly #early: Room[] = [];

  connection(): { client: string; remoteAddress: string; secure: boolean } {
    return { client: 'web', remoteAddress: this.remoteAddress, secure: this.#secure };
  }

  deliver(batch: Batch): void {
    this.#write(
      batch.shared('web:1', () =>
        textFrame(
          JSON.stringify({
            type: 'events',
            room: batch.room.address,
            items: batch.items.map((item) => this.express.item(batch.room, item)),
          }),
        ),
      ),
    );
  }

  userChanged(change: UserChange): void {
    this.#write(this.express.userChangeFrame(change));
  }

  privateMessage(record: PrivateRecord): void {
    if (this.phase.name !== 'present') return;
    this.send(this.express.private(record, record.content.author.address === this.phase.session.user.address));
  }

  unicast(): void {
    // Queries between programs (CTCP, iq) mean nothing to a page.
  }

  attached(room: Room): void {
    if (this.phase.name === 'present') this.send(this.express.room(room, this.phase.session.user));
    else this.#early.push(room);
  }

  detached(room: Room): void {
    this.send({ type: 'left', room: room.address });
  }

  ended(reason: string): void {
    this.send({ type: 'ended', reason });
    this.close(1001, reason);
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason.slice(0, 100));
  }

  /** The connection is gone; the person stays a little while for a reconnect. */
  closed(): void {
    const { phase } = this;
    this.phase = { name: 'closed' };
    if (phase.name === 'present') this.host.users.disconnect(phase.session, 'connection lost', this.#options.linger);
  }

  /** The person leaves on purpose. */
  signOut(): void {
    const { phase } = this;
    this.phase = { name: 'closed' };
    if (phase.name === 'present') this.host.users.disconnect(phase.session, 'signed out');
    this.#socket.close(1000, 'signed out');
  }
}
