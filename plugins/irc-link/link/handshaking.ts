/** From a fresh connection to a proved peer: runs the dialect's handshake and compares what the peer claims. Threat class A8. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Connection, Host } from '../../../server/plugin.ts';
import type { Claims, Dialect, Established, Handshake, HandshakeStep, LinkSide, OwnIdentity } from '../dialect.ts';
import { dialects } from '../dialects/index.ts';
import type { IrcMessage } from '../../irc/line.ts';
import type { Config, NetworkConfig } from '../config.ts';
import type { ServerIdentity } from '../model/state.ts';
import { Wire } from './wire.ts';

export const handshakeMilliseconds = 20_000;

/** A peer that has proved itself, and the language to speak with it. */
export interface Peer {
  readonly wire: Wire;
  readonly network: NetworkConfig;
  readonly us: ServerIdentity;
  readonly identity: ServerIdentity;
  readonly established: Established;
}

export interface HandshakeOptions {
  readonly host: Host;
  readonly side: LinkSide;
  readonly connection: Connection;
  /** Dialled: the one network that it is for. Accepted: all that it may be; the first line tells the dialect. */
  readonly candidates: readonly NetworkConfig[];
  readonly timeout: number;
  /** Says nothing once the claims are judged, so that over there no server is known to have come. */
  readonly rehearsal?: boolean;
  /** Last word: whether this network may be linked now. Undefined when it may. */
  refuse(network: NetworkConfig): string | undefined;
}

export interface DialOptions {
  readonly host: Host;
  readonly settings: Pick<Config, 'outbox_bytes'>;
  readonly network: NetworkConfig;
}

/** Dials a network. @throws DialError */
export function connectTo({ host, settings, network }: DialOptions, address: string, signal: AbortSignal): Promise<Connection> {
  const [, name = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
  return host.net.dial({
    host: name,
    port: Number(port),
    outboxLimit: settings.outbox_bytes,
    signal,
    ...(network.tls ? { tls: { serverName: name } } : {}),
  });
}

/** @returns the peer, or why there is none */
export function shakeHands(options: HandshakeOptions): Promise<Peer | { readonly refused: string }> {
  const { host, side, connection, candidates } = options;
  const wire = new Wire(host, connection);
  const only = side === 'dialled' ? candidates[0] : undefined;
  const spoken = new Set(candidates.map((network) => dialects.get(network.dialect)!));
  const open = (dialect: Dialect): { readonly dialect: Dialect; readonly handshake: Handshake } => ({
    dialect,
    handshake: dialect.handshake(side, only === undefined ? undefined : ownIdentity(only), () => Math.floor(host.clock.now() / 1_000)),
  });
  return new Promise((resolve) => {
    let begun = spoken.size === 1 ? open([...spoken][0]!) : undefined;
    let accepted: Pick<Peer, 'network' | 'us' | 'identity'> | undefined;
    let done = false;
    const finish = (outcome: Peer | { readonly refused: string }): void => {
      if (done) return;
      done = true;
      timer.cancel();
      resolve(outcome);
    };
    const fail = (toPeer: string, reason = toPeer): void => {
      finish({ refused: reason });
      wire.close(toPeer);
    };
    const timer = host.clock.after(options.timeout, () => fail('Handshake took too long'));

    function judged(claims: Claims, dialect: Dialect, handshake: Handshake): void {
      const possible = candidates.filter((network) => network.dialect === dialect.name);
      const verdict = judge(claims, connection, possible);
      if ('refused' in verdict) {
        // One text for whatever was wrong: it helps nobody who guesses.
        fail('Mismatched server name or password', verdict.refused);
        return;
      }
      const not = options.refuse(verdict.network);
      if (not !== undefined) {
        fail(not);
        return;
      }
      const us = ownIdentity(verdict.network);
      const { id, name, description } = claims;
      accepted = { network: verdict.network, us, identity: { id, name, description } };
      const step = handshake.accept(us, accepted.identity);
      take(options.rehearsal === true && step.kind === 'more' ? { ...step, send: [] } : step, dialect, handshake);
    }

    function take(step: HandshakeStep, dialect: Dialect, handshake: Handshake): void {
      switch (step.kind) {
        case 'more':
          wire.send(step.send);
          break;
        case 'refused':
          fail('Refused', `the peer refused: ${step.reason}`);
          break;
        case 'violation':
          fail(step.why);
          break;
        case 'claims':
          judged(step.claims, dialect, handshake);
          break;
        case 'established':
          // What follows in the same breath is for whoever gets the peer.
          wire.hold();
          finish({ wire, ...accepted!, established: step.established });
          break;
        default:
          step satisfies never;
      }
    }

    function receive(line: IrcMessage): void {
      if (done) return;
      if (begun === undefined) {
        const recognised = [...spoken].find((dialect) => dialect.recognises(line));
        if (recognised === undefined) {
          fail(`${line.command.slice(0, 20)} begins no link here`);
          return;
        }
        begun = open(recognised);
      }
      take(begun.handshake.receive(line), begun.dialect, begun.handshake);
    }

    wire.handle({ onLine: receive, onClose: (reason) => finish({ refused: reason }) });
    // The first lines of who dials have the password in them: they are for the peer alone, not for who stands in its place.
    const trust = only === undefined ? undefined : checkCertificate(connection, only);
    if (trust !== undefined) fail('Mismatched server name or password', trust);
    else if (begun !== undefined) wire.send(begun.handshake.begin());
  });
}

/** Where servers have no ids, the name is the id. */
function ownIdentity(network: NetworkConfig): OwnIdentity {
  return {
    name: network.server_name,
    id: network.server_id ?? network.server_name,
    description: network.description,
    password: network.password_send,
  };
}

function judge(
  claims: Claims,
  connection: Connection,
  candidates: readonly NetworkConfig[],
): { readonly network: NetworkConfig } | { readonly refused: string } {
  const name = claims.name.toLowerCase();
  const network = candidates.find((one) => one.peer_name.toLowerCase() === name);
  if (network === undefined)
    return { refused: `a server that calls itself ${JSON.stringify(claims.name.slice(0, 100))} is not configured` };
  if (!sameSecret(claims.password, network.password_receive)) return { refused: `${network.peer_name} gave a wrong password` };
  const trust = checkCertificate(connection, network);
  if (trust !== undefined) return { refused: trust };
  if (claims.id === network.server_id) return { refused: `${network.peer_name} has the same server id as we: ${claims.id}` };
  return { network };
}

function sameSecret(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

/** Why the peer's certificate does not prove it; undefined when it does, or when the link is plain on purpose. */
export function checkCertificate(connection: Connection, network: NetworkConfig): string | undefined {
  const { tls } = connection;
  if (network.fingerprint !== undefined) {
    if (tls?.fingerprint === network.fingerprint) return undefined;
    return `the certificate of ${network.peer_name} has another fingerprint than configured: ${tls?.fingerprint ?? 'it showed none'}`;
  }
  if (!network.tls) return undefined;
  if (tls === undefined) return `${network.peer_name} came without TLS; set tls = false for the network to allow that`;
  const host = network.address?.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  const named = tls.certificateNames(network.peer_name) || (host !== undefined && tls.certificateNames(host));
  if (tls.chainVerified && named) return undefined;
  const why = tls.chainVerified ? `it is not for ${network.peer_name}` : (tls.chainError ?? 'it is not signed by anybody we trust');
  const remedy = tls.fingerprint === undefined ? 'have it show a certificate' : `to trust it, set fingerprint = "${tls.fingerprint}"`;
  return `the certificate of ${network.peer_name} proves nothing: ${why}; ${remedy}`;
}
