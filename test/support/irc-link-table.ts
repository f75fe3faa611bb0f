import type { Inspircd } from './inspircd.ts';
import type { Ngircd } from './ngircd.ts';

export interface LinkTableOptions {
  /** Lines of the network's table. */
  readonly network?: string;
  /** Lines of [plugins.irc-link] itself. */
  readonly plugin?: string;
  readonly rooms?: string;
  /** Dial its plain port; else `network` says how. Default true. */
  readonly dial?: boolean;
}

/** The configuration of a link to that InspIRCd, under the label `testnet`. */
export function linkTable(inspircd: Inspircd, options: LinkTableOptions = {}): string {
  const { network = '', plugin = '', rooms = '["lounge"]', dial = true } = options;
  return `[plugins.irc-link]
${plugin}
[[plugins.irc-link.networks]]
label = "testnet"
title = "TestNet"
server_name = "irc.banyan.example"
server_id = "9BN"
peer_name = "${inspircd.name}"
password_send = "${inspircd.password}"
password_receive = "${inspircd.password}"
rooms = ${rooms}
${dial ? `address = "127.0.0.1:${inspircd.linkPort}"\ntls = false` : ''}
${network}`;
}

/** The table of one network, to be put behind [plugins.irc-link]: that ngIRCd, under the label `ngnet`. */
export function ngircdNetwork(ngircd: Ngircd, options: Pick<LinkTableOptions, 'network' | 'rooms' | 'dial'> = {}): string {
  const { network = '', rooms = '["lounge"]', dial = true } = options;
  return `[[plugins.irc-link.networks]]
label = "ngnet"
title = "NgNet"
dialect = "ngircd"
server_name = "irc.banyan.example"
peer_name = "${ngircd.name}"
password_send = "${ngircd.passwordWanted}"
password_receive = "${ngircd.passwordSent}"
rooms = ${rooms}
${dial ? `address = "127.0.0.1:${ngircd.port}"\ntls = false` : ''}
${network}`;
}

/** The configuration of a link that `scriptedServer` of scripted-irc-server.ts dials. */
export function scriptedLink(label: string, rooms: readonly string[] = ['lounge']): string {
  return `[plugins.irc-link]
listen = ["127.0.0.1:0"]
[[plugins.irc-link.networks]]
label = "${label}"
server_name = "irc.banyan.example"
server_id = "9BN"
peer_name = "scripted.example"
password_send = "linkpassword"
password_receive = "linkpassword"
tls = false
rooms = ${JSON.stringify(rooms)}`;
}

/** Names without their signs, in order, without our service. */
export function plainNames(names: readonly string[]): string[] {
  return names
    .map((name) => name.replace(/^[~&@%+]+/, ''))
    .filter((name) => name !== 'banyan')
    .toSorted((a, b) => a.localeCompare(b));
}
