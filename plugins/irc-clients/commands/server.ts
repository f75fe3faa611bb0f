/** About the server: MOTD, LUSERS, VERSION, TIME, INFO, ADMIN, LINKS. */
import type { Client } from '../client.ts';
import { oneWord } from '../encode.ts';
import { sendCounts, sendMotd, sendSupport } from '../welcome.ts';

export function motd(client: Client): void {
  sendMotd(client);
}

export function lusers(client: Client): void {
  sendCounts(client);
}

export function version(client: Client): void {
  client.numeric('RPL_VERSION', `banyan-${client.server.host.version}`, client.server.name, client.server.host.title);
  sendSupport(client);
}

export function time(client: Client): void {
  client.numeric('RPL_TIME', client.server.name, new Date(client.server.now()).toUTCString());
}

export function info(client: Client): void {
  const { host } = client.server;
  client.numeric('RPL_INFO', `Banyan ${host.version}`);
  client.numeric('RPL_INFO', `Up since ${new Date(host.startedAt).toUTCString()}`);
  client.numeric('RPL_ENDOFINFO', 'End of /INFO list');
}

export function admin(client: Client): void {
  const { server } = client;
  const [place = server.host.title, more = '', contact = ''] = server.config.admin;
  client.numeric('RPL_ADMINME', server.name, 'Administrative info');
  client.numeric('RPL_ADMINLOC1', place);
  if (more !== '') client.numeric('RPL_ADMINLOC2', more);
  if (contact !== '') client.numeric('RPL_ADMINEMAIL', contact);
}

/** Networks that are linked, as if they were servers. */
export function links(client: Client): void {
  const { server } = client;
  client.numeric('RPL_LINKS', server.name, server.name, `0 ${server.host.title}`);
  for (const network of server.host.networks.all()) client.numeric('RPL_LINKS', oneWord(network.label), server.name, `1 ${network.title}`);
  client.numeric('RPL_ENDOFLINKS', '*', 'End of /LINKS list');
}
