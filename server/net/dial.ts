/** Dialling out, and finding where (SRV). */
import { Resolver } from 'node:dns/promises';
import { connect, isIP, type Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { randomInt } from 'node:crypto';
import { domainToASCII } from 'node:url';
import type { Logger } from 'pino';
import { DialError, type Connection, type DialOptions, type ServiceQuery, type ServiceTarget } from '../contract/net.ts';
import { SocketConnection } from './connection.ts';
import type { TlsStore } from './tls.ts';

const defaultTimeout = 10_000;
const linkOutboxLimit = 8_388_608;
/** More targets than this are an attack or a mistake. Threat class A23. */
const mostTargets = 16;

/** @throws DialError */
export async function dial(
  options: DialOptions,
  shared: { tls: TlsStore; log: Logger; resolver: Resolver | undefined },
): Promise<Connection> {
  const host = await lookup(options.host, shared.resolver);
  const socket = await open(options, host, shared.tls);
  return new SocketConnection(socket, { tls: shared.tls, log: shared.log, limit: options.outboxLimit ?? linkOutboxLimit });
}

/** With servers of our own configured, names go to them only; else the system resolves. */
async function lookup(host: string, resolver: Resolver | undefined): Promise<string> {
  if (resolver === undefined || isIP(host) !== 0 || host === 'localhost') return host;
  for (const query of [() => resolver.resolve4(host), () => resolver.resolve6(host)]) {
    const found = await query().catch(() => []);
    if (found[0] !== undefined) return found[0];
  }
  throw new DialError('dns', `the host ${host} has no address`);
}

function open(options: DialOptions, host: string, store: TlsStore): Promise<Socket> {
  const { tls } = options;
  return new Promise((resolve, reject) => {
    const serverName = tls?.serverName ?? options.host;
    const socket =
      tls === undefined
        ? connect({ host, port: options.port, noDelay: true })
        : tlsConnect({
            host,
            port: options.port,
            secureContext: store.context(tls.identity),
            rejectUnauthorized: false,
            ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
            ...(tls.alpn === undefined ? {} : { ALPNProtocols: [...tls.alpn] }),
          });
    const fail = (code: DialError['code'], message: string): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', abort);
      socket.on('error', () => undefined);
      socket.destroy();
      reject(new DialError(code, message));
    };
    const abort = (): void => fail('aborted', 'given up');
    const timer = setTimeout(
      () => fail('timeout', `${options.host} port ${options.port} did not answer in time`),
      options.timeout ?? defaultTimeout,
    );
    options.signal?.addEventListener('abort', abort, { once: true });
    let connected = false;
    socket.once('connect', () => (connected = true));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN') fail('dns', `the host ${options.host} has no address`);
      else if (connected && tls !== undefined)
        fail('tls', error.message.includes('wrong version number') ? 'what the other side sends is not TLS' : error.message);
      else fail('refused', `${options.host} port ${options.port}: ${error.code ?? error.message}`);
    });
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', abort);
      socket.removeAllListeners('error');
      socket.on('error', () => undefined);
      resolve(socket);
    });
    if (options.signal?.aborted === true) abort();
  });
}

/** RFC 2782 and XEP-0368: both services merged, by priority, then by weight. @throws DialError */
export async function resolveService(query: ServiceQuery, resolver: Resolver | undefined): Promise<readonly ServiceTarget[]> {
  const bare = query.domain.replace(/^\[|\]$/g, '');
  if (isIP(bare) !== 0) return [{ host: bare, port: query.fallbackPort, directTls: false }];
  const domain = domainToASCII(query.domain);
  // The conversion follows the rules of URLs: it leaves out line breaks, and everything from a slash on.
  if (/[\0-\x20"#%/:<>?@[\\\]^|]/.test(query.domain) || !isHostName(domain))
    throw new DialError('dns', `"${query.domain}" is no domain name`);
  const dns = resolver ?? new Resolver({ timeout: 3_000, tries: 2 });
  const ask = async (
    service: string,
    directTls: boolean,
  ): Promise<{ name: string; port: number; priority: number; weight: number; directTls: boolean }[] | undefined> => {
    try {
      return (await dns.resolveSrv(`${service}.${domain}`)).map((record) => ({ ...record, directTls }));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOTFOUND' || code === 'ENODATA') return undefined;
      throw new DialError('dns', `the name servers do not answer for ${domain} (${code ?? 'error'})`);
    }
  };
  const answers = await Promise.all([
    ask(query.service, false),
    query.directTlsService === undefined ? undefined : ask(query.directTlsService, true),
  ]);
  if (answers.every((answer) => answer === undefined)) return [{ host: domain, port: query.fallbackPort, directTls: false }];
  const records = answers
    .flatMap((answer) => answer ?? [])
    .filter(
      (record) => record.name !== '' && record.name !== '.' && record.port > 0 && (isHostName(record.name) || isIP(record.name) !== 0),
    );
  if (records.length === 0) throw new DialError('dns', `${domain} says that it does not offer this service`);
  return byWeight(records).slice(0, mostTargets);
}

function byWeight(
  records: readonly { name: string; port: number; priority: number; weight: number; directTls: boolean }[],
): ServiceTarget[] {
  const ordered: ServiceTarget[] = [];
  const rest = records.toSorted((a, b) => a.priority - b.priority || a.weight - b.weight);
  while (rest.length > 0) {
    const { priority } = rest[0]!;
    const group = rest.filter((record) => record.priority === priority);
    let pick = randomInt(0, group.reduce((sum, record) => sum + record.weight, 0) + 1);
    const chosen = group.find((record) => (pick -= record.weight) <= 0) ?? group[0]!;
    rest.splice(rest.indexOf(chosen), 1);
    ordered.push({ host: chosen.name.replace(/\.$/, ''), port: chosen.port, directTls: chosen.directTls });
  }
  return ordered;
}

/** What DNS says is data: only names of letters, digits, hyphens and dots are names. */
function isHostName(name: string): boolean {
  return name.length <= 253 && /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.?$/i.test(name);
}
