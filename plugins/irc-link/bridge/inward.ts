/** From there to here: what comes over a link, as the changes of the network that it means, handed to whom they concern. */
import type { User } from '../../../server/plugin.ts';
import type { IrcMessage } from '../../irc/line.ts';
import { applyFact } from '../model/apply.ts';
import type { Effect } from '../model/effects.ts';
import type { NetServer } from '../model/state.ts';
import type { Bridge } from './bridge.ts';
import { inSlices } from './slices.ts';
import type { Standing } from './standing.ts';

/** Lines that make no sense, beyond one a second, after which a peer is no longer trusted to make any. Threat class A9. */
const mostNonsense = 1_000;

export class Inward {
  readonly #bridge: Bridge;
  /** Whether another link leads to a server of that name: then both lead into one network, and everything would go in circles. */
  readonly #isElsewhere: (server: string) => boolean;
  #nonsense = 0;
  /** The link whose first burst is over: a second one brings people, and begins nothing. */
  #begun: Standing | undefined;

  constructor(bridge: Bridge, isElsewhere: (server: string) => boolean) {
    this.#bridge = bridge;
    this.#isElsewhere = isElsewhere;
  }

  /** A new link is judged anew. */
  begin(): void {
    this.#nonsense = 0;
  }

  /** Once a second. */
  forgive(): void {
    if (this.#nonsense > 0) this.#nonsense--;
  }

  receive(standing: Standing, line: IrcMessage): void {
    const decoded = standing.live.peer.established.codec.decode(line);
    if (decoded === 'unknown' || decoded === 'malformed') {
      standing.live.drop(`${decoded} ${line.command.slice(0, 20)}`);
      this.#nonsense++;
      if (this.#nonsense > mostNonsense) standing.live.peer.wire.close('Too much that makes no sense');
      return;
    }
    for (const fact of decoded) {
      for (const effect of applyFact(standing.live.state, fact, 'theirs')) {
        if (this.#bridge.standing !== standing) return;
        this.#effect(standing, effect);
      }
    }
  }

  #effect(standing: Standing, effect: Effect): void {
    const { live, ours, theirs } = standing;
    switch (effect.kind) {
      case 'server':
        if (this.#isElsewhere(effect.server.name))
          live.peer.wire.close(`Server ${effect.server.name} is reached by another link here: there is a loop`);
        break;
      case 'end-of-burst':
        void this.#bridge.guard(standing, this.#welcome(standing, effect.server));
        break;
      case 'renamed':
        theirs.renamed(effect.user);
        break;
      case 'changed':
        theirs.changed(effect.user);
        break;
      case 'quit':
        theirs.quit(effect.user, effect.reason);
        break;
      case 'lost': {
        const people = effect.users.flatMap((user) => theirs.forget(user) ?? []);
        if (people.length > 0) this.#bridge.network.split(people, effect.near, effect.far);
        break;
      }
      case 'joined':
      case 'parted':
      case 'kicked':
      case 'status':
      case 'modes':
      case 'lists':
      case 'reset':
      case 'topic':
        if (!standing.bursting) this.#bridge.sharedOf(effect.channel.name)?.effect(standing, effect);
        break;
      case 'message':
        this.#bridge.privateTraffic.message(standing, effect);
        break;
      case 'typing': {
        const shared = this.#bridge.sharedOf(effect.channel.name);
        const user = theirs.known(effect.source);
        if (shared !== undefined && user !== undefined) this.#bridge.host.rooms.typing(user, shared.room, effect.state, shared);
        break;
      }
      case 'invited':
        this.#bridge.privateTraffic.invited(standing, effect);
        break;
      case 'killed':
        this.#killed(standing, effect);
        break;
      case 'nick-lost':
        if (effect.wanted !== undefined && !this.#bridge.grants('rename')) {
          live.drop('a forced nick, for which this link has no right');
          break;
        }
        if (effect.user === standing.service) this.#bridge.service.nickLost(standing, effect.user);
        else ours.settle([effect]);
        // Who was thrown out comes back into the channels with the next beat.
        if (effect.user.gone) this.#letInSoon();
        break;
      case 'account-given': {
        const introduced = ours.byNet(effect.user);
        if (introduced !== undefined && !this.#bridge.grants('account')) ours.sayAccount(introduced);
        break;
      }
      case 'forced':
        this.#forced(standing, effect);
        break;
      case 'network-banned':
        if (this.#bridge.barred.banned(standing, effect.ban)) this.#letInSoon();
        if (effect.ban.kind === 'reserve') this.#bridge.service.avoid(standing);
        break;
      case 'network-unbanned':
        if (this.#bridge.barred.lifted(standing, effect.ban)) this.#letInSoon();
        break;
      case 'idle-question':
        this.#bridge.privateTraffic.idle(standing, effect);
        break;
      case 'ping':
        live.write({ kind: 'pong', source: live.state.us.id, target: effect.source.id });
        break;
      case 'pong':
        this.#bridge.proved();
        break;
      case 'answer':
        live.write(effect.fact);
        break;
      case 'dropped':
        live.drop(effect.why);
        break;
      case 'ended':
        live.peer.wire.close(effect.reason);
        break;
      case 'violation':
        live.peer.wire.close(effect.why);
        break;
      default:
        effect satisfies never;
    }
  }

  /**
   * A server has told everything. People are made known in slices, theirs and (at the start of the link) ours; then each room
   * takes them in.
   */
  async #welcome(standing: Standing, server: NetServer): Promise<void> {
    const { theirs, ours, live } = standing;
    const begins = server === live.state.peer && this.#begun !== standing;
    if (begins) this.#begun = standing;
    const goOn = (): boolean => this.#bridge.standing === standing;
    const shared = this.#bridge.rooms.filter((room) => room.phase !== 'suspended');
    const people = new Set(shared.flatMap((room) => [...(room.channel(standing)?.members.keys() ?? [])]));
    const strangers = [...people].filter((user) => !user.ours && !user.server.bursting);
    if (!(await inSlices(strangers, (user) => user.gone || theirs.introduce([user]), goOn))) return;
    if (!begins) {
      if (!standing.bursting) for (const room of this.#bridge.rooms) void this.#bridge.guard(standing, room.arrived(standing, server));
      return;
    }
    const own = new Set(shared.flatMap((room) => [...room.room.members.values()].map((member) => member.user)));
    const introduce = (id: User['id']): void => {
      const user = this.#bridge.host.users.get(id);
      if (user !== undefined && user.network !== this.#bridge.network.address) ours.introduce(user);
    };
    if (!(await inSlices([...own], introduce, goOn))) return;
    standing.service ??= this.#bridge.service.enter(live);
    standing.bursting = false;
    for (const room of this.#bridge.rooms) void this.#bridge.guard(standing, room.begin(standing));
    void this.#bridge.guard(standing, this.#bridge.outbound.begin(standing));
  }

  #forced(standing: Standing, effect: Extract<Effect, { kind: 'forced' }>): void {
    const shared = this.#bridge.sharedOf(effect.channel);
    const introduced = standing.ours.byNet(effect.user);
    if (shared !== undefined) shared.forced(standing, effect);
    else if (effect.join && introduced !== undefined) {
      const { network, serviceHere } = this.#bridge;
      void serviceHere.tell(introduced.address, `${network.title} wants you in ${effect.channel}, which is shared with no room here.`);
    }
  }

  #letInSoon(): void {
    for (const room of this.#bridge.rooms) room.letInSoon();
  }

  #killed(standing: Standing, { user, by, reason }: Extract<Effect, { kind: 'killed' }>): void {
    if (user === standing.service) {
      for (const room of this.#bridge.rooms) room.suspend(standing, by);
      this.#bridge.service.killed(standing);
      return;
    }
    const introduced = standing.ours.byNet(user);
    if (introduced === undefined) return;
    standing.ours.killed(introduced);
    const target = this.#bridge.host.users.get(introduced.id);
    if (target === undefined) return;
    if (this.#bridge.grants('kill')) this.#bridge.network.killed(target, by, reason);
    else for (const room of this.#bridge.rooms) room.keepOut(target.id);
  }
}
