/** The network's people as users of the core: whoever is in a shared channel, or has written to somebody here. */
import { ircUserAddress, type ForeignMember, type ForeignUser, type Network, type User, type UserAddress } from '../../../server/plugin.ts';
import type { NetMember, NetState, NetUser } from '../model/state.ts';
import { ranks } from '../model/modes.ts';

export class Theirs {
  readonly #network: Network;
  readonly #state: NetState;
  readonly #withStatus: boolean;
  readonly #users = new Map<NetUser, User>();
  readonly #byAddress = new Map<UserAddress, NetUser>();

  /** @param withStatus whether what they are in channels over there counts here */
  constructor(network: Network, state: NetState, withStatus: boolean) {
    this.#network = network;
    this.#state = state;
    this.#withStatus = withStatus;
  }

  /** The core's user, if that person is known to it. */
  known(user: NetUser): User | undefined {
    return this.#users.get(user);
  }

  byAddress(address: UserAddress): NetUser | undefined {
    return this.#byAddress.get(address);
  }

  addressOf(nick: string): UserAddress {
    return ircUserAddress(this.#network.address, this.#state.rules.fold(nick));
  }

  /** Somebody of the network by an address that nobody has used yet. */
  find(address: UserAddress): NetUser | undefined {
    const name = address.startsWith(`${this.#network.address}/`) ? address.slice(this.#network.address.length + 1) : undefined;
    const user = name === undefined ? undefined : this.#state.nicks.get(name);
    return user === undefined || user.ours ? undefined : user;
  }

  introduce(users: readonly NetUser[]): readonly User[] {
    const unknown = users.filter((user) => !this.#users.has(user));
    const made = this.#network.introduce(unknown.map((user) => this.#describe(user)));
    for (const [index, user] of unknown.entries()) {
      this.#users.set(user, made[index]!);
      this.#byAddress.set(made[index]!.address, user);
    }
    return users.map((user) => this.#users.get(user)!);
  }

  #describe(user: NetUser): ForeignUser {
    const { nick, ident, host, realName, account, away, bot } = user;
    return { address: this.addressOf(nick), nick, ident, host, realName, account, away, bot };
  }

  members(members: readonly NetMember[]): readonly ForeignMember[] {
    const users = this.introduce(members.map((member) => member.user));
    return members.map((member, index) => ({ user: users[index]!, ...this.standing(member) }));
  }

  /** What signs a member has here: operators and above, and voice. */
  standing(member: NetMember): { readonly operator: boolean; readonly voice: boolean } {
    if (!this.#withStatus) return { operator: false, voice: false };
    const rank = this.#state.rules.modes.rank(member.status);
    return { operator: rank >= ranks.op, voice: member.status.has('voice') };
  }

  renamed(net: NetUser): void {
    const user = this.#users.get(net);
    if (user === undefined) return;
    this.#byAddress.delete(user.address);
    const address = this.addressOf(net.nick);
    this.#network.rename(user, net.nick, address);
    this.#byAddress.set(address, net);
  }

  changed(net: NetUser): void {
    const user = this.#users.get(net);
    if (user === undefined) return;
    const { ident, host, realName, account, away } = net;
    this.#network.update(user, { ident, host, realName, account, away });
  }

  forget(net: NetUser): User | undefined {
    const user = this.#users.get(net);
    this.#users.delete(net);
    if (user !== undefined) this.#byAddress.delete(user.address);
    return user;
  }

  quit(net: NetUser, reason: string): void {
    const user = this.forget(net);
    if (user !== undefined) this.#network.retire(user, reason);
  }

  /** Everybody of the network that the core knows. */
  all(): User[] {
    return [...this.#users.values()];
  }
}
