/**
 * The public API: the one module that plugins import (as `banyan/plugin` from outside this repository).
 * Everything a plugin may use is named here; the parts are documented where they are defined.
 */
export type * from './contract/accounts.ts';
export type * from './contract/host.ts';
export type * from './contract/networks.ts';
export type * from './contract/rooms.ts';
export type * from './contract/users.ts';
export type * from './contract/net.ts';
export { DialError } from './contract/net.ts';
export { listenAddress } from './contract/listen-address.ts';
export { mayKnowAddress } from './contract/real-address.ts';
export type * from './model/address.ts';
export {
  AddressError,
  addressParts,
  ircNetworkAddress,
  ircUserAddress,
  parseDomain,
  parseRoomAddress,
  parseUserAddress,
  prepareName,
  roomAddress,
  roomName,
  sessionAddress,
  userAddress,
  xmppNetworkAddress,
  xmppOccupantAddress,
  xmppRoomAddress,
  xmppUserAddress,
} from './model/address.ts';
export type * from './model/affiliation.ts';
export type { Circle } from './model/circle.ts';
export { withCircle } from './model/circle.ts';
export { networkLine, networkName } from './model/network-line.ts';
export { compareAffiliation, roleOf } from './model/affiliation.ts';
export type * from './model/event.ts';
export { inboxLog, outboundLog, roomLog } from './model/event.ts';
export type * from './model/ids.ts';
export { mintEventId, parseEventId } from './model/ids.ts';
export type * from './model/outcome.ts';
export { accepted, refused } from './model/outcome.ts';
export type * from './model/text.ts';
export { cleanText, oneLine, plainText, prefixed } from './model/text.ts';
export { NickView, type NickRules } from './model/nick-view.ts';
export { SmallSet } from './model/small-set.ts';

import type { Plugin } from './contract/host.ts';

/** Types a plugin definition; `export default definePlugin({...})`. */
export function definePlugin<Config>(plugin: Plugin<Config>): Plugin<Config> {
  return plugin;
}
