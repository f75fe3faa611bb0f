/** Our one visible member over there: it speaks the bridge's own notices and nothing else. */
import { buildCtcp, parseCtcp } from '../../irc/ctcp.ts';
import { reservation } from '../model/bans.ts';
import type { NetUser } from '../model/state.ts';
import type { Bridge } from './bridge.ts';
import type { Live } from './live.ts';
import type { Standing } from './standing.ts';

/** Milliseconds until it comes back, once, after it was killed. */
const revival = 2_000;
/** Collisions of its nick on one link, after which nobody honest is at the other end. */
const mostCollisions = 5;
/** Nicks that are tried although the network reserves them. */
const mostReserved = 5;

export class Service {
  readonly #bridge: Bridge;
  #kills = 0;
  /** Folded nicks over which it was thrown out since the link stands. */
  readonly #contested = new Set<string>();

  constructor(bridge: Bridge) {
    this.#bridge = bridge;
  }

  /** Introduces it on a link that begins. */
  enter(live: Live): NetUser {
    this.#kills = 0;
    this.#contested.clear();
    return this.#introduce(live, this.#freeNick(live));
  }

  #introduce(live: Live, nick: string): NetUser {
    const { host, config } = this.#bridge;
    const { state } = live;
    const now = Math.floor(host.clock.now() / 1_000);
    const id = live.freeUserId();
    live.say({
      kind: 'user',
      server: state.us.id,
      id,
      nick,
      nickTs: now,
      ident: 'service',
      realHost: config.server_name,
      host: config.server_name,
      ip: '0.0.0.0',
      signon: now,
      realName: `Link to ${host.title} (${host.domain})`,
      account: null,
      away: null,
      bot: true,
    });
    return state.users.get(id)!;
  }

  /** Adds dashes until it is nobody's. */
  #freeNick({ state }: Live): string {
    let nick = this.#bridge.config.service_nick;
    for (let tries = 0; ; tries++) {
      const fold = state.rules.fold(nick);
      // Some reserve every nick that there could be.
      const reserved = tries < mostReserved && reservation(state, fold) !== undefined;
      if (!state.nicks.has(fold) && !this.#contested.has(fold) && !reserved) return nick;
      nick += '-';
    }
  }

  /** Takes another nick, should the network reserve the one that it has. */
  avoid(standing: Standing): void {
    const { service, live } = standing;
    if (service !== undefined && !service.gone && reservation(live.state, live.state.rules.fold(service.nick)) !== undefined)
      this.nickLost(standing, service);
  }

  /** Somebody there has its nick. Where that threw both out, it comes back under another at once, a few times. */
  nickLost(standing: Standing, service: NetUser): void {
    const { live } = standing;
    if (service.gone) {
      this.#contested.add(live.state.rules.fold(service.nick));
      if (this.#contested.size > mostCollisions) for (const room of this.#bridge.rooms) room.suspend(standing, 'nick collisions');
      else standing.service = this.#introduce(live, this.#freeNick(live));
      return;
    }
    live.say({ kind: 'nick', user: service.id, nick: this.#freeNick(live), ts: Math.floor(this.#bridge.host.clock.now() / 1_000) });
  }

  /** Killed: it comes back once, into no channel, so that it can be invited; a second time it stays away. */
  killed(standing: Standing): void {
    this.#kills++;
    if (this.#kills > 1) return;
    this.#bridge.host.clock.after(revival, () => {
      if (this.#bridge.standing === standing) standing.service = this.#introduce(standing.live, this.#freeNick(standing.live));
    });
  }

  /** Somebody there speaks to it. */
  answer({ live, service }: Standing, from: NetUser, text: string, notice: boolean): void {
    const { host } = this.#bridge;
    const ctcp = parseCtcp(text);
    if (notice || (ctcp !== undefined && ctcp.verb !== 'VERSION')) return;
    if (service === undefined) return;
    const answer = ctcp === undefined ? this.#about() : buildCtcp({ verb: 'VERSION', text: `Banyan ${host.version}` });
    live.say({ kind: 'message', source: service.id, target: { kind: 'user', user: from.id }, notice: true, text: answer });
  }

  /** Tells somebody there why something that was done there came to nothing here. */
  explain({ live, service }: Standing, to: NetUser, text: string): void {
    if (service !== undefined && !service.gone)
      live.say({ kind: 'message', source: service.id, target: { kind: 'user', user: to.id }, notice: true, text });
  }

  #about(): string {
    const { host, rooms } = this.#bridge;
    const channels = rooms.map((room) => room.channelName).join(', ');
    return `I stand for ${host.title} (${host.domain}) in the channels that are shared with it: ${channels}.`;
  }
}
