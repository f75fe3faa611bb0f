/**
 * The handshake of InspIRCd's spanning tree protocol 1205: CAPAB START, lists, CAPAB END, SERVER. We announce no lists, so that
 * there is nothing to disagree about, and no CHALLENGE: the password travels as it is, which is why links want TLS.
 */
import type { IrcMessage } from '../../../irc/line.ts';
import { serialiseLine } from '../../../irc/line.ts';
import type { Handshake, HandshakeStep, LinkSide, OwnIdentity } from '../../dialect.ts';
import type { ServerIdentity } from '../../model/state.ts';
import { Capabilities } from './capabilities.ts';
import { InspircdCodec } from './codec.ts';

const protocolVersion = 1205;

type Phase =
  /** Waiting for CAPAB START. */
  | 'start'
  /** Between CAPAB START and CAPAB END. */
  | 'lists'
  | 'server'
  | 'done';

export class InspircdHandshake implements Handshake {
  readonly #side: LinkSide;
  readonly #us: OwnIdentity | undefined;
  readonly #now: () => number;
  readonly #capabilities = new Capabilities();
  #phase: Phase = 'start';
  #version = 0;

  constructor(side: LinkSide, us: OwnIdentity | undefined, now: () => number) {
    this.#side = side;
    this.#us = us;
    this.#now = now;
  }

  begin(): readonly string[] {
    return this.#side === 'dialled' ? [`CAPAB START ${protocolVersion}`] : [];
  }

  receive(line: IrcMessage): HandshakeStep {
    switch (line.command) {
      case 'ERROR':
        return { kind: 'refused', reason: line.params[0] ?? '' };
      case 'CAPAB':
        return this.#capab(line.params);
      case 'SERVER':
        return this.#server(line.params);
      default:
        return { kind: 'violation', why: `${line.command} before SERVER` };
    }
  }

  #capab([kind = '', ...words]: readonly string[]): HandshakeStep {
    const more = (...send: string[]): HandshakeStep => ({ kind: 'more', send });
    switch (kind) {
      case 'START': {
        if (this.#phase !== 'start') return { kind: 'violation', why: 'CAPAB START twice' };
        const version = Number(words[0]);
        if (!(version >= protocolVersion))
          return { kind: 'violation', why: `Protocol ${words[0] ?? '(none)'} is too old; ${protocolVersion} is needed` };
        this.#phase = 'lists';
        this.#version = version;
        return this.#side === 'accepted' ? more(`CAPAB START ${protocolVersion}`, 'CAPAB END') : more();
      }
      case 'END':
        if (this.#phase !== 'lists') return { kind: 'violation', why: 'CAPAB END without START' };
        this.#phase = 'server';
        return this.#us === undefined ? more() : more('CAPAB END', serverLine(this.#us));
      default:
        if (this.#phase !== 'lists') return { kind: 'violation', why: 'CAPAB outside START and END' };
        return this.#capabilities.add(kind, words.join(' ')) ? more() : { kind: 'violation', why: 'CAPAB too long' };
    }
  }

  /** `SERVER name password hops sid :description`; version 4 speaking its own protocol leaves the hops out, which is not spoken here. */
  #server(params: readonly string[]): HandshakeStep {
    if (this.#phase !== 'server') return { kind: 'violation', why: 'SERVER before CAPAB END' };
    if (params.length < 5) return { kind: 'violation', why: 'SERVER with too few parameters' };
    this.#phase = 'done';
    const [name = '', password = '', , id = ''] = params;
    return { kind: 'claims', claims: { name, password, id, description: params.at(-1)! } };
  }

  accept(us: OwnIdentity, peer: ServerIdentity): HandshakeStep {
    const rules = this.#capabilities.rules();
    const limits = this.#capabilities.limits();
    const bot = this.#capabilities.userMode('bot');
    const codec = new InspircdCodec({
      peerId: peer.id,
      rules,
      limits,
      now: this.#now,
      tagMessages: this.#capabilities.hasModule('ircv3_ctctags'),
      ...(bot === undefined ? {} : { botMode: bot }),
    });
    const send = this.#side === 'accepted' ? [serverLine(us)] : [];
    const software = `InspIRCd, protocol ${this.#version}; we speak ${protocolVersion}`;
    return { kind: 'established', established: { send, codec, rules, limits, software, losses: this.#losses() } };
  }

  #losses(): string[] {
    const needed: readonly (readonly [module: string, what: string])[] = [
      ['ircv3_ctctags', 'who is typing'],
      ['services_account', 'accounts in WHOIS'],
    ];
    const losses = needed.filter(([module]) => !this.#capabilities.hasModule(module)).map(([module, what]) => `${what} (module ${module})`);
    return this.#capabilities.userMode('bot') === undefined ? [...losses, 'the mark of a bot on our service (module botmode)'] : losses;
  }
}

function serverLine(us: OwnIdentity): string {
  return serialiseLine({ command: 'SERVER', params: [us.name, us.password, '0', us.id, us.description || us.name] });
}
