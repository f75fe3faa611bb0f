/** An ngIRCd as the contract plays it (RFC 2813 with IRC+), over the virtual net: it dials, and everybody is a nick. */
import type { KitServer, Peer, Sight } from '../../kit/index.ts';
import { parseIrcLine, type IrcLine } from '../../support/irc-client.ts';
import { service } from './inspircd-side.ts';

const name = 'scripted.example';
const channel = '#lounge';

export class NgircdSide {
  readonly #server: KitServer;
  peer!: Peer;
  /** Members of the channel, of both sides. */
  #members = new Set<string>();
  /** Theirs, on the network. */
  readonly #theirs = new Set<string>();
  readonly #sights: Sight[] = [];

  constructor(server: KitServer) {
    this.#server = server;
  }

  /** Introduces itself, with everybody of theirs in the channel. */
  async link(): Promise<void> {
    this.#members = new Set(this.#theirs);
    this.peer = this.#server.connect('irc-link', { answer: (text) => this.#read(parseIrcLine(text)) });
    this.peer.send('PASS linkpassword 0210-IRC+ ngIRCd|26.1:CHLMSXZo PZ');
    this.peer.send(`SERVER ${name} :scripted`);
    await this.#server.settle();
  }

  // ---- what their people do

  join(nick: string): void {
    if (!this.#theirs.has(nick)) this.peer.send(introduction(nick));
    this.#theirs.add(nick);
    this.#members.add(nick);
    this.send(nick, `JOIN ${channel}`);
  }

  /** A command of one of theirs. */
  send(nick: string, command: string): void {
    this.peer.send(`:${nick} ${command}`);
  }

  rename(nick: string, to: string): void {
    this.send(nick, `NICK :${to}`);
    this.#theirs.delete(nick);
    this.#theirs.add(to);
    this.#members.delete(nick);
    this.#members.add(to);
  }

  /** Somebody of either side is not in the channel any more, and still on the network. */
  gone(nick: string): void {
    this.#members.delete(nick);
  }

  reset(nicks: readonly string[]): void {
    this.#theirs.clear();
    for (const nick of nicks) this.#theirs.add(nick);
  }

  // ---- what our side says

  members(): string[] {
    return [...this.#members].filter((nick) => nick !== service);
  }

  take(): Sight[] {
    return this.#sights.splice(0);
  }

  #read(line: IrcLine): void {
    switch (line.command) {
      case 'PASS':
      case 'SERVER':
      case '005':
      case 'PONG':
        return;
      case '376':
        this.#burst(line.source);
        return;
      case 'PING':
        this.peer.send(`:${name} PONG ${line.source} :${line.source}`);
        return;
      default: {
        const sights = this.#sight(line);
        this.#sights.push(...sights.filter((sight) => !('nick' in sight) || sight.nick !== service));
      }
    }
  }

  #burst(us: string): void {
    this.peer.send(`:${name} 005 ${us} NICKLEN=30 CASEMAPPING=ascii :are supported on this server`);
    this.peer.send(`:${name} 376 ${us} :End of MOTD command`);
    for (const nick of this.#theirs) this.peer.send(introduction(nick));
    if (this.#theirs.size > 0) this.peer.send(`:${name} NJOIN ${channel} :${[...this.#theirs].join(',')}`);
    this.peer.send(`:${name} PING :${name}`);
  }

  #sight({ command, params, nick, raw }: IrcLine): Sight[] {
    const text = params.at(-1) ?? '';
    switch (command) {
      case 'NICK':
        if (params.length > 1) return [];
        if (this.#members.delete(nick)) this.#members.add(text);
        return [{ kind: 'nick', nick, to: text }];
      case 'METADATA':
        return [];
      case 'NJOIN': {
        const nicks = text.split(',').map((word) => word.replace(/^[~&@%+]+/, ''));
        for (const one of nicks) this.#members.add(one);
        return nicks.map((one) => ({ kind: 'join', nick: one }));
      }
      case 'PART':
      case 'QUIT':
        // Who only comes to say what waited was in the channel; whoever was not leaves nothing.
        return this.#members.delete(nick) ? [{ kind: 'leave', nick }] : [];
      case 'KICK':
        this.#members.delete(params[1]!);
        return [{ kind: 'kick', nick: params[1]!, by: nick }];
      case 'PRIVMSG':
        return [params[0] === channel ? { kind: 'say', nick, text } : { kind: 'private', nick, text }];
      case 'TOPIC':
        return [{ kind: 'topic', text }];
      default:
        return [{ kind: 'other', text: raw }];
    }
  }
}

function introduction(nick: string): string {
  return `:${name} NICK ${nick} 1 ident host.example 1 + :Real ${nick}`;
}
