/**
 * The handshake of RFC 2813 with IRC+: PASS, SERVER, and with flag H the 005 lines and 376. We never announce Z, so the peer
 * does not compress: TLS does better what that was for, and there is nothing to inflate (threat class A5).
 */
import type { IrcMessage } from '../../../irc/line.ts';
import { serialiseLine } from '../../../irc/line.ts';
import type { Handshake, HandshakeStep, LinkSide, OwnIdentity } from '../../dialect.ts';
import type { ServerIdentity } from '../../model/state.ts';
import { trailing } from '../text.ts';
import { NgircdCodec } from './codec.ts';
import { ownToken } from './encode.ts';
import { Isupport } from './isupport.ts';

/** C: CHANINFO, H: this handshake, L: lists in the burst, M: METADATA, S: services, X: owners, admins and half-operators. */
const flags = 'CHLMSX';

/** What this protocol has no words for. */
const never = [
  'the times of messages; what was said while the link was down comes without',
  'who is typing',
  'the texts of away messages',
  'times of nicks and channels: two who take one nick at once are both thrown out there',
];

/** What goes with a flag that the peer lacks. */
const needs: ReadonlyMap<string, string> = new Map([
  ['C', 'topics and modes of channels that were there before the link (flag C)'],
  ['H', 'its limits, which we guess (flag H)'],
  ['L', 'bans of channels that were there before the link (flag L)'],
  ['M', 'accounts (flag M)'],
  ['X', 'owners, admins and half-operators (flag X)'],
]);

type Phase =
  | { readonly kind: 'pass' }
  | { readonly kind: 'server'; readonly password: string }
  /** The claims were made; their judge has to speak. */
  | { readonly kind: 'claimed' }
  /** 005 lines, until 376. */
  | { readonly kind: 'isupport'; readonly us: OwnIdentity; readonly peer: ServerIdentity }
  | { readonly kind: 'done' };

export class NgircdHandshake implements Handshake {
  readonly #side: LinkSide;
  readonly #us: OwnIdentity | undefined;
  readonly #now: () => number;
  readonly #isupport = new Isupport();
  #phase: Phase = { kind: 'pass' };
  #flags = '';
  #software = '';

  constructor(side: LinkSide, us: OwnIdentity | undefined, now: () => number) {
    this.#now = now;
    this.#side = side;
    this.#us = us;
  }

  begin(): readonly string[] {
    return this.#side === 'dialled' && this.#us !== undefined ? introduction(this.#us) : [];
  }

  receive(line: IrcMessage): HandshakeStep {
    switch (line.command) {
      case 'ERROR':
        return { kind: 'refused', reason: line.params[0] ?? '' };
      case 'PASS':
        return this.#pass(line.params);
      case 'SERVER':
        return this.#server(line.params);
      case '005':
        return this.#isupport.add(line.params.slice(1, -1)) ? { kind: 'more', send: [] } : { kind: 'violation', why: '005 too long' };
      case '376':
      case '422':
        return this.#end(line.command);
      default:
        // What a server says to whoever connects, before it knows that this is a server.
        if (line.command === 'NOTICE' || /^0\d\d$/.test(line.command)) return { kind: 'more', send: [] };
        if (/^[45]\d\d$/.test(line.command)) return { kind: 'refused', reason: line.params.slice(1).join(' ') };
        return { kind: 'violation', why: `${line.command} before SERVER` };
    }
  }

  /** `PASS password 0210-IRC+ ngIRCd|26.1:CHLMSXZo PZ` */
  #pass([password = '', version = '', software = '']: readonly string[]): HandshakeStep {
    if (this.#phase.kind !== 'pass') return { kind: 'violation', why: 'PASS twice' };
    if (version.endsWith('-IRC+')) this.#flags = /:([A-Za-z]*)$/.exec(software)?.[1] ?? '';
    this.#software = (software.split(':')[0] ?? '').replace('|', ' ').slice(0, 60);
    this.#phase = { kind: 'server', password };
    return { kind: 'more', send: [] };
  }

  /** `SERVER name 1 :description`; who dials leaves the hops out. */
  #server(params: readonly string[]): HandshakeStep {
    if (this.#phase.kind !== 'server') return { kind: 'violation', why: 'SERVER without PASS' };
    if (params.length < 2) return { kind: 'violation', why: 'SERVER with too few parameters' };
    const { password } = this.#phase;
    this.#phase = { kind: 'claimed' };
    return { kind: 'claims', claims: { name: params[0]!, password, id: ownToken, description: params.at(-1)! } };
  }

  accept(us: OwnIdentity, peer: ServerIdentity): HandshakeStep {
    const enhanced = this.#phase.kind === 'claimed' && this.#flags.includes('H');
    const send = [...(this.#side === 'accepted' ? introduction(us) : []), ...(enhanced ? isupport(us, peer) : [])];
    if (!enhanced) return this.#establish(send, us, peer);
    this.#phase = { kind: 'isupport', us, peer };
    return { kind: 'more', send };
  }

  #end(command: string): HandshakeStep {
    if (this.#phase.kind !== 'isupport') return { kind: 'violation', why: `${command} before SERVER` };
    return this.#establish([], this.#phase.us, this.#phase.peer);
  }

  #establish(send: readonly string[], us: ServerIdentity, peer: ServerIdentity): HandshakeStep {
    this.#phase = { kind: 'done' };
    const [rules, limits] = [this.#isupport.rules(), this.#isupport.limits()];
    const codec = new NgircdCodec({ us: us.name, peer: peer.name, rules, limits, now: this.#now });
    const software = `${this.#software || 'a server of RFC 2813'}, ${this.#flags === '' ? 'without IRC+' : `IRC+ flags ${this.#flags}`}`;
    const losses = [...never, ...[...needs].filter(([flag]) => !this.#flags.includes(flag)).map(([, what]) => what)];
    return { kind: 'established', established: { send, codec, rules, limits, software, losses } };
  }
}

function introduction(us: OwnIdentity): readonly string[] {
  return [
    serialiseLine({ command: 'PASS', params: [us.password, '0210-IRC+', `Banyan|1:${flags}`, 'P'] }),
    trailing({ source: undefined, command: 'SERVER', params: [us.name, ownToken], text: us.description || us.name }),
  ];
}

/** Without a 376 of ours the peer takes nothing from us. What we can carry is the peer's to say: every limit of ours is wider. */
function isupport(us: OwnIdentity, peer: ServerIdentity): readonly string[] {
  const end = (command: string, params: readonly string[], text: string): string =>
    trailing({ source: us.name, command, params: [peer.name, ...params], text });
  return [end('005', ['CASEMAPPING=ascii', 'CHANTYPES=#'], 'are supported on this server'), end('376', [], 'End of MOTD command')];
}
