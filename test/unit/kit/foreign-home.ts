/**
 * A room whose home is a Parley server: what is said here is not logged before it has come back from there. It is the template's
 * bridge with two things between it and its surroundings: a filter that takes what is said elsewhere, and an ear for what comes back.
 */
import {
  definePlugin,
  refused,
  type Connection,
  type Follower,
  type Host,
  type LogRecord,
  type MessageBody,
  type Outcome,
  type Room,
  type RunningPlugin,
  type User,
} from '../../../server/plugin.ts';
import { Bridge } from '../../../templates/bridge/src/bridge.ts';
import { decode, LineCutter, oneLineTexts } from '../../../templates/bridge/src/codec.ts';
import { configSchema, type Config } from '../../../templates/bridge/src/config.ts';
import { over } from './over.ts';

/** Something said here that is on its way. */
interface Submission {
  readonly user: User;
  readonly room: Room;
  readonly body: MessageBody;
  readonly via: Follower | undefined;
  /** Lines that have not come back yet. */
  readonly lines: string[];
  readonly done: (outcome: Outcome<LogRecord> | Promise<Outcome<LogRecord>>) => void;
}

const { refusal: unreachable } = refused('unavailable', 'The home of that room cannot be reached.');

class Submissions {
  readonly #host: Host;
  readonly #waiting: Submission[] = [];
  /** What came back: the home has it, so it is not told again. */
  readonly logged = new Set<string>();
  #accepting = false;
  bridge!: Bridge;

  constructor(host: Host) {
    this.#host = host;
    host.hooks.filter('content', 0, (subject) => {
      const { user, room, content, via } = subject;
      if (this.#accepting || user.kind === 'foreign' || content.kind !== 'message') return { pass: subject };
      if (this.bridge.link.status().state !== 'up') return { refuse: unreachable };
      const { text, style } = content;
      const lines = oneLineTexts(text.plain);
      for (const line of lines)
        this.bridge.link.send({ verb: 'say', room: room.name, nick: this.bridge.nickOf(user), text: line.replace(/\p{Cc}+/gu, ' ') });
      const elsewhere = new Promise<Outcome<LogRecord>>((done) =>
        this.#waiting.push({ user, room, body: { text, style }, via, lines, done }),
      );
      return { elsewhere };
    });
  }

  /** A line of one of ours came back. A message is logged with its last line. */
  cameBack(nick: string): void {
    const submission = this.#waiting.find(({ user }) => user.id === this.bridge.nicks.userOf(nick));
    if (submission === undefined) return;
    submission.lines.shift();
    if (submission.lines.length > 0) return;
    this.#waiting.splice(this.#waiting.indexOf(submission), 1);
    const { user, room, body, via, done } = submission;
    this.#accepting = true;
    const said = this.#host.rooms.say(user, room, body, via);
    this.#accepting = false;
    this.logged.add(`${room.name} ${room.last.number}`);
    done(said);
  }

  /** The home is away: nobody knows what became of what was on its way. */
  lost(): void {
    for (const { done } of this.#waiting.splice(0)) done({ ok: false, refusal: unreachable });
  }
}

export default definePlugin<Config>({
  name: 'parley-home',
  version: '1.0.0',
  config: configSchema,
  enabledByDefault: false,
  async start(host, config): Promise<RunningPlugin> {
    const submissions = new Submissions(host);
    const bridge = new Bridge(
      {
        ...host,
        net: over(host.net, { dial: async (options) => listening(await host.net.dial(options), submissions) }),
        networks: over(host.networks, {
          declare(options, handler) {
            const network = host.networks.declare(options, handler);
            return over(network, { mirror: (room, follower) => network.mirror(room, withoutLogged(follower, submissions)) });
          },
        }),
      },
      config,
    );
    submissions.bridge = bridge;
    await bridge.start(config.rooms);
    return {
      stop() {
        submissions.lost();
        bridge.stop();
        return Promise.resolve();
      },
      status: () => ({ summary: '', links: [bridge.link.status()] }),
    };
  },
});

/** Lines of our own people are what comes back; the bridge hears the others. */
function listening(connection: Connection, submissions: Submissions): Connection {
  return over(connection, {
    handle(handlers) {
      const cutter = new LineCutter();
      connection.handle({
        onData(bytes) {
          const lines = cutter.push(bytes);
          if (lines === undefined) handlers.onData(bytes);
          for (const text of lines ?? []) {
            const line = decode(text);
            if (line?.verb === 'say' && submissions.bridge.nicks.userOf(line.nick) !== undefined) submissions.cameBack(line.nick);
            else handlers.onData(Buffer.from(`${text}\n`));
          }
        },
        onClose(error) {
          submissions.lost();
          handlers.onClose(error);
        },
      });
    },
  });
}

function withoutLogged(follower: Follower, submissions: Submissions): Follower {
  return {
    deliver(batch) {
      const items = batch.items.filter(
        (item) => item.kind !== 'record' || !submissions.logged.delete(`${batch.room.name} ${item.record.number}`),
      );
      follower.deliver(over(batch, { items }));
    },
  };
}
