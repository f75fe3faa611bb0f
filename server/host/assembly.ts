/** The parts of a server, made as a configuration says: for one that runs, and for a rehearsal of one. */
import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import { openCore, type Core, type CoreLimits } from '../core.ts';
import type { Net } from '../contract/net.ts';
import { HttpService } from '../net/http.ts';
import { createNet } from '../net/index.ts';
import { Strangers } from '../net/strangers.ts';
import type { TlsStore } from '../net/tls.ts';
import type { Storage } from '../storage.ts';
import type { HostParts } from './plugin-host.ts';
import { CommandTable, MetricTable, systemClock } from './services.ts';

export const version = (JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string }).version;

export function openConfiguredCore(
  config: Config,
  { storage, secret, log }: { readonly storage: Storage; readonly secret: Buffer; readonly log: Logger },
): Promise<Core> {
  return openCore({
    domain: config.domain,
    storage,
    clock: systemClock,
    log,
    secret,
    rooms: config.rooms.map(({ name, title, topic, home, history, show_joins: showJoins }) => ({
      name,
      topic,
      ...(home === undefined ? {} : { home }),
      config: { title, history: history ?? (home === undefined ? 'all' : 'joined'), showJoins },
    })),
    limits: coreLimits(config),
    registration: config.accounts.registration,
  });
}

/** Listens to nothing yet. */
export function openNetwork(config: Config, tls: TlsStore, log: Logger): { readonly net: Net; readonly http: HttpService } {
  const strangers = new Strangers(strangerLimits(config));
  const net = createNet({ tls, strangers, clock: systemClock, log, dnsServers: config.dns.servers });
  return { net, http: new HttpService(httpOptions(config), { tls, strangers, log }) };
}

/** What plugins are given. */
export function hostParts(
  config: Config,
  made: Pick<HostParts, 'core' | 'net' | 'storage' | 'log' | 'startedAt'> & { readonly http: HttpService },
): HostParts & { readonly http: HttpService } {
  return {
    ...made,
    clock: systemClock,
    commands: new CommandTable(),
    metrics: new MetricTable(),
    domain: config.domain,
    title: config.title,
    motd: config.motd,
    version,
    defaultRooms: config.rooms.map((room) => room.name),
    registration: config.accounts.registration === 'open',
  };
}

function coreLimits({ limits }: Config): CoreLimits {
  return {
    messageBytes: limits.message_bytes,
    topicBytes: limits.topic_bytes,
    nickCharacters: limits.nick_characters,
    roomsPerUser: limits.rooms_per_user,
    sessionsPerUser: limits.sessions_per_user,
    guestsPerAddress: limits.guests_per_address,
    roomsInAll: limits.rooms,
    failedLogins: limits.failed_logins,
    registrations: limits.registrations,
    tokenDays: limits.token_days,
  };
}

function strangerLimits({ limits }: Config): ConstructorParameters<typeof Strangers>[0] {
  return {
    maxUnadmittedPerAddress: limits.strangers_per_address,
    maxUnadmitted: limits.strangers,
    maxConnectionsPerAddress: limits.connections_per_address,
    admitDeadline: limits.stranger_seconds,
  };
}

function httpOptions({ http, domain }: Config): ConstructorParameters<typeof HttpService>[0] {
  return { listen: http.listen, listenTls: http.listen_tls, trustedProxies: http.trusted_proxies, publicUrl: http.public_url, domain };
}
