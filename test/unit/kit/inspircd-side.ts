/** An InspIRCd as the contract plays it (protocol 1205), over the virtual net. */
import type { KitServer, Peer, PeerHost, Sight } from '../../kit/index.ts';
import { parseIrcLine, type IrcLine } from '../../support/irc-client.ts';

const sid = '0AA';
const channel = '#lounge';
export const capabilities = [
  'CAPAB MODULES :m_ircv3_ctctags.so',
  'CAPAB CHANMODES :list:ban=b list:banexception=e param-set:limit=l param:key=k prefix:10000:voice=+v prefix:30000:op=@o simple:inviteonly=i simple:moderated=m simple:noextmsg=n simple:secret=s simple:topiclock=t',
  'CAPAB CAPABILITIES :NICKMAX=30 CHANMAX=64 MAXMODES=20 IDENTMAX=10 MAXQUIT=255 MAXTOPIC=307 MAXKICK=255 MAXREAL=128 MAXAWAY=200 MAXHOST=64 MAXLINE=512 CASEMAPPING=rfc1459',
  'CAPAB END',
];

export const service = 'banyan';

export class InspircdSide {
  readonly #server: KitServer;
  readonly #dials: boolean;
  peer!: Peer;
  #host: PeerHost | undefined;
  /** Nicks by id, of both sides. */
  #users = new Map<string, string>();
  #members = new Set<string>();
  /** Theirs, by nick, with the number that makes their id. */
  readonly #theirs = new Map<string, string>();
  #made = 0;
  #ts: number;
  readonly #sights: Sight[] = [];

  /** `dials`: it dials our listener, else it waits to be dialled. */
  constructor(server: KitServer, dials: boolean) {
    this.#server = server;
    this.#dials = dials;
    this.#ts = this.#now();
  }

  #now(): number {
    return Math.floor(this.#server.clock.now() / 1_000);
  }

  /** Can be dialled from now on. */
  listen(): void {
    this.#begin();
    this.#host = this.#server.host('scripted.example', 7000, { answer: (text, peer) => this.#heard(text, peer) });
  }

  async break(): Promise<void> {
    this.#host?.close();
    this.#host = undefined;
    await this.peer.cut();
  }

  /** Introduces itself, with everybody of theirs in the channel. */
  async link(): Promise<void> {
    if (this.#dials) {
      this.#begin();
      this.peer = this.#server.connect('irc-link', { answer: (text, peer) => this.#heard(text, peer) });
      this.peer.send('CAPAB START 1205');
      await this.#server.settle();
      return;
    }
    if (this.#host === undefined) {
      this.listen();
      await this.#server.advance(120_000);
    }
    await this.#host!.accepted();
  }

  #begin(): void {
    this.#users = new Map([...this.#theirs].map(([nick, id]) => [id, nick]));
    this.#members = new Set(this.#theirs.keys());
  }

  #heard(text: string, peer: Peer): void {
    this.peer = peer;
    this.#read(parseIrcLine(text));
  }

  // ---- what their people do

  join(nick: string): void {
    const id = this.#their(nick);
    if (!this.#users.has(id)) this.peer.send(this.#introduction(nick, id));
    this.#users.set(id, nick);
    this.#members.add(nick);
    this.peer.send(`:${sid} FJOIN ${channel} ${this.#ts} + :,${id}:${this.#made}`);
  }

  #their(nick: string): string {
    const known = this.#theirs.get(nick);
    if (known !== undefined) return known;
    const id = `${sid}A${(++this.#made).toString(36).toUpperCase().padStart(5, '0')}`;
    this.#theirs.set(nick, id);
    return id;
  }

  #introduction(nick: string, id: string): string {
    const now = this.#now();
    return `:${sid} UID ${id} ${now} ${nick} host.example host.example ident 127.0.0.9 ${now} + :Real ${nick}`;
  }

  /** A command of one of theirs. */
  send(nick: string, command: string): void {
    this.peer.send(`:${this.#theirs.get(nick)} ${command}`);
  }

  idOf(nick: string): string {
    for (const [id, known] of this.#users) if (known === nick) return id;
    throw new Error(`nobody is called ${nick} there`);
  }

  rename(nick: string, to: string): void {
    const id = this.#theirs.get(nick)!;
    this.#theirs.delete(nick);
    this.#theirs.set(to, id);
    this.peer.send(`:${id} NICK ${to} ${this.#now()}`);
    this.#users.set(id, to);
    this.#members.delete(nick);
    this.#members.add(to);
  }

  topic(nick: string, text: string): void {
    this.send(nick, `FTOPIC ${channel} ${this.#ts} ${this.#now() + 1} :${text}`);
  }

  /** Somebody of either side is not in the channel any more, and still on the network. */
  gone(nick: string): void {
    this.#members.delete(nick);
  }

  reset(nicks: readonly string[]): void {
    this.#theirs.clear();
    for (const nick of nicks) this.#their(nick);
  }

  // ---- what our side says

  members(): string[] {
    return [...this.#members].filter((nick) => nick !== service);
  }

  take(): Sight[] {
    return this.#sights.splice(0);
  }

  #read(line: IrcLine): void {
    const { command, params, source } = line;
    switch (command) {
      case 'CAPAB':
        if (params[0] === 'START' && !this.#dials) this.peer.send('CAPAB START 1205');
        if (params[0] === 'START')
          for (const one of [...capabilities, `SERVER scripted.example linkpassword 0 ${sid} :scripted`]) this.peer.send(one);
        return;
      case 'SERVER':
        this.#burst();
        return;
      case 'PING':
        this.peer.send(`:${sid} PONG ${source}`);
        return;
      case 'PONG':
      case 'BURST':
      case 'ENDBURST':
        return;
      default: {
        const sights = this.#sight(line);
        this.#sights.push(...sights.filter((sight) => !('nick' in sight) || sight.nick !== service));
      }
    }
  }

  #burst(): void {
    this.peer.send(`:${sid} BURST ${this.#now()}`);
    for (const [nick, id] of this.#theirs) this.peer.send(this.#introduction(nick, id));
    const members = [...this.#theirs.values()].map((id, index) => `,${id}:${index + 1}`);
    if (members.length > 0) this.peer.send(`:${sid} FJOIN ${channel} ${this.#ts} + :${members.join(' ')}`);
    this.peer.send(`:${sid} ENDBURST`);
  }

  #sight({ command, params, source, raw }: IrcLine): Sight[] {
    const nick = this.#users.get(source) ?? source;
    const text = params.at(-1) ?? '';
    switch (command) {
      case 'UID':
        this.#users.set(params[0]!, params[2]!);
        return [];
      case 'METADATA':
        return [];
      case 'FJOIN': {
        this.#ts = Math.min(this.#ts, Number(params[1]));
        const ids = text.split(' ').map((word) => /,([^:]+)/.exec(word)?.[1] ?? '');
        const nicks = ids.map((id) => this.#users.get(id) ?? id);
        for (const one of nicks) this.#members.add(one);
        return nicks.map((one) => ({ kind: 'join', nick: one }));
      }
      case 'PART':
      case 'QUIT':
        // Who only comes to say what waited was in the channel; whoever was not leaves nothing.
        return this.#members.delete(nick) ? [{ kind: 'leave', nick }] : [];
      case 'KICK': {
        const target = this.#users.get(params[1]!) ?? params[1]!;
        this.#members.delete(target);
        return [{ kind: 'kick', nick: target, by: nick }];
      }
      case 'NICK':
        this.#users.set(source, params[0]!);
        if (this.#members.delete(nick)) this.#members.add(params[0]!);
        return [{ kind: 'nick', nick, to: params[0]! }];
      case 'PRIVMSG':
        return [params[0] === channel ? { kind: 'say', nick, text } : { kind: 'private', nick, text }];
      case 'FTOPIC':
        return [{ kind: 'topic', text }];
      default:
        return [{ kind: 'other', text: raw }];
    }
  }
}
