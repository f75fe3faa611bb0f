/** Guests: how many come from one address, and the tokens by which they come back as the same. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { UserAddress } from '../model/address.ts';
import type { UserState } from './state.ts';

export class Guests {
  readonly #secret: Buffer;
  readonly #most: number;
  readonly #byGroup = new Map<string, number>();

  /** `most`: guests of one group of addresses (see addressGroup). */
  constructor(secret: Buffer, most: number) {
    this.#secret = secret;
    this.#most = most;
  }

  mayCome(group: string): boolean {
    return (this.#byGroup.get(group) ?? 0) < this.#most;
  }

  came(user: UserState, group: string): void {
    this.#byGroup.set(group, (this.#byGroup.get(group) ?? 0) + 1);
    user.guestGroup = group;
  }

  /** Somebody is gone, a guest or not. */
  gone(user: UserState): void {
    const group = user.guestGroup;
    if (group === undefined) return;
    user.guestGroup = undefined;
    const left = (this.#byGroup.get(group) ?? 1) - 1;
    if (left > 0) this.#byGroup.set(group, left);
    else this.#byGroup.delete(group);
  }

  /** What proves to be the guest of that address. */
  tokenOf(address: UserAddress): string {
    const name = address.slice(address.lastIndexOf('~') + 1);
    return `${name}.${this.#sign(name)}`;
  }

  /** The name in a guest's address, if the token is one of ours. */
  nameIn(token: string): string | undefined {
    const dot = token.indexOf('.');
    const name = token.slice(0, Math.max(dot, 0));
    if (!/^guest-[0-9a-f]{10}$/.test(name)) return undefined;
    const given = Buffer.from(token.slice(dot + 1));
    const right = Buffer.from(this.#sign(name));
    return given.length === right.length && timingSafeEqual(given, right) ? name : undefined;
  }

  #sign(name: string): string {
    return createHmac('sha256', this.#secret).update(name).digest('base64url');
  }
}
