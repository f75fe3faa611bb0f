/**
 * Addresses name users, rooms, sessions and networks anywhere. They are branded strings: having one means that it is
 * valid and normalised, so comparing two is `===`. The only casts to the brands are in this file.
 *
 *   native   banyan://domain/~user   banyan://domain/~user/session   banyan://domain/@room
 *   XMPP     xmpp:alice@prosody.example   xmpp:alice@prosody.example/phone   xmpp:room@conference.example (a room)
 *            xmpp:room@conference.example/nick (somebody in it)
 *   IRC      irc:label@owner-domain/nick   (network irc:label@owner-domain)
 *
 * XMPP addresses of our own domain are written natively; the xmpp plugin translates (see its README).
 */

declare const brand: unique symbol;
export type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };

export type Domain = Brand<string, 'Domain'>;
export type UserAddress = Brand<string, 'UserAddress'>;
export type SessionAddress = Brand<string, 'SessionAddress'>;
export type RoomAddress = Brand<string, 'RoomAddress'>;
/** A foreign namespace: `irc:label@owner-domain`, or `xmpp:domain` for one federated XMPP domain. */
export type NetworkAddress = Brand<string, 'NetworkAddress'>;

/** The name given cannot be an address; `message` says which rule it breaks. */
export class AddressError extends Error {
  override readonly name = 'AddressError';
}

const maxPartBytes = 255;

/**
 * Prepares a user or room name: PRECIS UsernameCaseMapped (RFC 8265 section 3.3): width mapping, lower case, NFC, then
 * only letters, digits, marks inside the word and printable ASCII, none of which has a compatibility equivalent (RFC 8264
 * section 9.17): `ﬁsh` would look like `fish`. Room names may contain any of these too.
 * @throws AddressError when nothing, too much, or a forbidden character is left
 */
export function prepareName(name: string): string {
  const prepared = mapWidth(name).toLowerCase().normalize('NFC');
  if (prepared === '') throw new AddressError('a name must not be empty');
  if (Buffer.byteLength(prepared) > maxPartBytes) throw new AddressError(`a name must not be longer than ${maxPartBytes} bytes`);
  const bad = /[^\p{L}\p{N}\p{Mn}\p{Mc}\x21-\x7e]/u.exec(prepared);
  if (bad) throw new AddressError(`a name must not contain ${describeCharacter(bad[0])}`);
  if (prepared.normalize('NFKC') !== prepared) {
    const alike = [...prepared].find((character) => character.normalize('NFKC') !== character) ?? prepared;
    throw new AddressError(`a name must not contain ${describeCharacter(alike)}, which looks like another`);
  }
  if (/[/"&'<>@:\\]/.test(prepared)) throw new AddressError('a name must not contain any of / " & \' < > @ : \\');
  if (/^\p{M}/u.test(prepared)) throw new AddressError('a name must not begin with a combining mark');
  return prepared;
}

function mapWidth(text: string): string {
  return text.replace(/[\uff01-\uff5e]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0)).replace(/\u3000/g, ' ');
}

function describeCharacter(character: string): string {
  if (character === ' ') return 'a blank';
  return `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Parses a DNS domain: lower case, no trailing dot, labels of letters, digits, hyphens (U-labels allowed). @throws AddressError */
export function parseDomain(text: string): Domain {
  const domain = text.normalize('NFC').toLowerCase().replace(/\.$/, '');
  if (domain.length === 0 || Buffer.byteLength(domain) > maxPartBytes) throw new AddressError('a domain must have 1 to 255 bytes');
  if (
    !/^(?:[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}-]{0,61}[\p{L}\p{N}\p{M}])?\.)*[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}-]{0,61}[\p{L}\p{N}\p{M}])?$/u.test(
      domain,
    )
  ) {
    throw new AddressError('a domain is made of labels of letters, digits and hyphens, joined by dots');
  }
  return domain as Domain;
}

export function userAddress(domain: Domain, name: string): UserAddress {
  return `banyan://${domain}/~${prepareName(name)}` as UserAddress;
}

export function roomAddress(domain: Domain, name: string): RoomAddress {
  return `banyan://${domain}/@${prepareName(name)}` as RoomAddress;
}

/** The address of one session of a user, in the user's own scheme. */
export function sessionAddress(user: UserAddress, session: string): SessionAddress {
  return `${user}/${session}` as SessionAddress;
}

/** The network of an IRC-like namespace without DNS names of its own: `irc:label@owner-domain`. @throws AddressError */
export function ircNetworkAddress(label: string, owner: Domain): NetworkAddress {
  if (!/^[a-z0-9][a-z0-9-]{0,31}$/.test(label)) throw new AddressError('a network label is 1 to 32 of a-z, 0-9 and hyphen');
  return `irc:${label}@${owner}` as NetworkAddress;
}

/** The namespace of one federated XMPP domain. */
export function xmppNetworkAddress(domain: Domain): NetworkAddress {
  return `xmpp:${domain}` as NetworkAddress;
}

/** A user of an IRC-like network; `name` is the folded nick or account that the network guarantees unique. */
export function ircUserAddress(network: NetworkAddress, name: string): UserAddress {
  return `${network}/${name}` as UserAddress;
}

/** A federated XMPP user; `local` and `domain` already prepared by the XMPP plugin. */
export function xmppUserAddress(local: string, domain: Domain): UserAddress {
  return `xmpp:${local}@${domain}` as UserAddress;
}

/** A room of an XMPP server; `local` and `domain` already prepared. */
export function xmppRoomAddress(local: string, domain: Domain): RoomAddress {
  return `xmpp:${local}@${domain}` as RoomAddress;
}

/** Somebody in a room of an XMPP server, by the nick there, which somebody else may have later; already prepared. */
export function xmppOccupantAddress(room: RoomAddress, nick: string): UserAddress {
  return `${room}/${nick}` as UserAddress;
}

/** The name by which people here know a room of that address: `lounge`, or `den@conference.example` for one that is elsewhere. */
export function roomName(address: RoomAddress): string {
  const { scheme, name, domain } = addressParts(address);
  return scheme === 'xmpp' ? `${name}@${domain}` : name;
}

/** The address stays with one person. Where it is a nick, on an IRC network or in a room elsewhere, somebody else may take it. */
export function isLasting(address: UserAddress): boolean {
  const { scheme, nick } = addressParts(address);
  return scheme !== 'irc' && nick === undefined;
}

/** The parts of an address of any scheme. */
export interface AddressParts {
  readonly scheme: 'banyan' | 'xmpp' | 'irc';
  readonly kind: 'user' | 'room';
  /** DNS domain that answers for the address: own domain, XMPP domain, or the owner of an IRC network. */
  readonly domain: Domain;
  readonly name: string;
  /** Label of an IRC network. */
  readonly label?: string;
  /** Of somebody in a room of an XMPP server: `domain` and `name` are the room's. */
  readonly nick?: string;
}

/** Takes an address apart again. @throws AddressError for text that is no address */
export function addressParts(address: UserAddress | RoomAddress): AddressParts {
  const native = /^banyan:\/\/([^/]+)\/([~@])([^/]+)$/.exec(address);
  if (native) return { scheme: 'banyan', kind: native[2] === '@' ? 'room' : 'user', domain: native[1] as Domain, name: native[3]! };
  const irc = /^irc:([^@/]+)@([^/]+)\/(.+)$/.exec(address);
  if (irc)
    return { scheme: 'irc', kind: /^[#&+!]/.test(irc[3]!) ? 'room' : 'user', domain: irc[2] as Domain, name: irc[3]!, label: irc[1]! };
  // Whether an XMPP address is a room's or a person's is known to its server only.
  const xmpp = /^xmpp:([^@/]+)@([^/]+)(?:\/(.+))?$/s.exec(address);
  if (xmpp)
    return { scheme: 'xmpp', kind: 'user', domain: xmpp[2] as Domain, name: xmpp[1]!, ...(xmpp[3] === undefined ? {} : { nick: xmpp[3] }) };
  throw new AddressError(`"${address}" is not an address`);
}

/** Parses a user address that came from storage or a person, in any scheme. @throws AddressError */
export function parseUserAddress(text: string): UserAddress {
  const parts = addressParts(text as UserAddress);
  if (parts.kind !== 'user') throw new AddressError(`"${text}" names a room, not a user`);
  if (parts.scheme === 'banyan') return userAddress(parseDomain(parts.domain), parts.name);
  return text as UserAddress;
}

/** Parses the address of a room, in any scheme. @throws AddressError */
export function parseRoomAddress(text: string): RoomAddress {
  const parts = addressParts(text as RoomAddress);
  if (parts.scheme === 'xmpp' && parts.nick === undefined)
    return xmppRoomAddress(parts.name.toLowerCase().normalize('NFC'), parseDomain(parts.domain));
  if (parts.kind !== 'room') throw new AddressError(`"${text}" names a user, not a room`);
  return parts.scheme === 'banyan' ? roomAddress(parseDomain(parts.domain), parts.name) : (text as RoomAddress);
}
