/** The one quiet line by which a room tells that a network went away or is back, in the words of every protocol. */
import type { NetworkAddress } from './address.ts';
import type { LoggedContent } from './event.ts';

/** What a network is called of which only old records tell: the domain of `xmpp:domain`, the label of `irc:label@domain`. */
export function networkName(network: NetworkAddress): string {
  return network.replace(/^[a-z]+:/, '').replace(/@.*$/, '');
}

/** @param title of the network, where it is known */
export function networkLine(content: Extract<LoggedContent, { readonly kind: 'network' }>, title = networkName(content.network)): string {
  const { present, count, reason, crossing = 0, leftOut = 0 } = content;
  const people = count === 0 ? '' : `, with ${counted(count, 'person', 'people')}`;
  if (!present) return `${title} is cut off${people}${reason === '' ? '' : ` (${reason})`}`;
  const crosses =
    crossing === 0 ? '' : `; ${counted(crossing, 'message', 'messages')} that waited ${crossing === 1 ? 'crosses' : 'cross'} now`;
  const left = leftOut === 0 ? '' : `; ${counted(leftOut, 'message', 'messages')} ${leftOut === 1 ? 'is' : 'are'} left out`;
  return `${title} is linked${people}${crosses}${left}`;
}

function counted(count: number, one: string, more: string): string {
  return `${count} ${count === 1 ? one : more}`;
}
