/** What the running server answers to `banyan` commands. */
import type { RunningServer } from '../host/server.ts';
import { linksOf } from '../host/links.ts';
import type { BanMask, RoomConfig } from '../model/event.ts';
import type { Outcome } from '../model/outcome.ts';
import type { AccountAdministration } from '../core.ts';
import type { AccountRequest, Asker, ControlRequest } from './control.ts';

/** @throws Error in words for the person at the terminal */
export async function answerControl(server: RunningServer, request: ControlRequest, asker: Asker): Promise<unknown> {
  const { core } = server;
  switch (request.command) {
    case 'status':
      return {
        pid: process.pid,
        domain: server.config.domain,
        startedAt: server.startedAt,
        services: server.services.map(({ service, address, port, tls }) => ({ service, address, port, tls })),
      };
    case 'account-add':
    case 'account-password':
    case 'account-list':
    case 'account-remove':
      return answerAccount(core.accounts, request);
    case 'room-list':
      return [...core.rooms.all()]
        .map(({ name, members, topic, config, last }) => ({
          name,
          members: members.size,
          topic: topic.text,
          hidden: config.hidden,
          events: last.number,
        }))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    case 'room-show':
      return showRoom(server, request.name);
    case 'room-alias':
      return { name: unwrap(core.aliases.alias(plainName(request.name), request.address)).name };
    case 'room-unalias':
      unwrap(core.aliases.unalias(plainName(request.name)));
      return null;
    case 'link-list':
      return linksOf(server.status());
    case 'link-show': {
      const link = linksOf(server.status()).find(({ name }) => name === request.name);
      if (link === undefined) throw new Error(`there is no link "${request.name}"; see: banyan link list`);
      return link;
    }
    case 'link-check':
      return server.rehearse(request.name);
    case 'link-trace':
      return traceLink(server, request.name, request.seconds, asker);
    case 'plugin-list':
      return server.plugins();
    case 'plugin-start':
      await server.startPlugin(request.name);
      return null;
    default:
      return request satisfies never;
  }
}

/** @throws Error in words for the person at the terminal */
export async function answerAccount(accounts: AccountAdministration, request: AccountRequest): Promise<unknown> {
  switch (request.command) {
    case 'account-add':
      return unwrap(await accounts.add(request.name, request.password, request.administrator));
    case 'account-password':
      return unwrap(await accounts.setPassword(request.name, request.password));
    case 'account-list':
      return accounts.list();
    case 'account-remove':
      return unwrap(await accounts.remove(request.name));
    default:
      return request satisfies never;
  }
}

/** Answers when the trace is over, with the reason in words. */
function traceLink(server: RunningServer, name: string, seconds: number, asker: Asker): Promise<string> {
  return new Promise((resolve) => {
    const trace = server.trace(name, {
      text(piece) {
        if (piece !== '' && !asker.more(piece)) setImmediate(() => trace.stop('it was not written as fast as it came'));
      },
      ended(reason) {
        clearTimeout(timer);
        resolve(reason);
      },
    });
    const timer = setTimeout(() => trace.stop('the time is over'), seconds * 1_000);
    timer.unref();
    // It has begun, also where there is no connection yet.
    asker.more('');
    asker.gone.addEventListener('abort', () => trace.stop('nobody reads it any more'), { once: true });
  });
}

function plainName(name: string): string {
  return name.replace(/^#/, '');
}

/** What `room show` is answered. */
export interface RoomFacts {
  readonly name: string;
  readonly address: string;
  readonly home?: string;
  readonly created: number;
  readonly topic: { readonly text: string };
  readonly config: RoomConfig;
  readonly events: number;
  readonly networks: readonly string[];
  readonly affiliations: Readonly<Record<string, string>>;
  readonly bans: readonly BanMask[];
  readonly members: readonly {
    readonly nick: string;
    readonly address: string;
    readonly affiliation: string;
    readonly operator: boolean;
    readonly voice: boolean;
    /** A network, or `guest` or `account`. */
    readonly from: string;
  }[];
}

function showRoom({ core }: RunningServer, name: string): RoomFacts {
  const room = core.rooms.byName(plainName(name));
  if (room === undefined) throw new Error(`there is no room "${name}"; see: banyan room list`);
  const members = [...room.members.values()].map((member) => ({
    nick: member.nick,
    address: member.address,
    affiliation: member.affiliation,
    operator: member.operator,
    voice: member.voice,
    from: member.who.network ?? (member.who.guest ? 'guest' : 'account'),
  }));
  return {
    name: room.name,
    address: room.address,
    ...(room.home === undefined ? {} : { home: room.home }),
    created: room.created,
    topic: room.topic,
    config: { ...room.config, key: room.config.key === null ? null : '(set)' },
    events: room.last.number,
    networks: [...room.networks],
    affiliations: Object.fromEntries(room.affiliations),
    bans: room.bans,
    members: members.toSorted((a, b) => (a.nick < b.nick ? -1 : 1)),
  };
}

function unwrap<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(outcome.refusal.text);
  return outcome.value;
}
