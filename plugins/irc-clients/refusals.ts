/** The core's refusals as numerics. */
import type { Refusal } from '../../server/plugin.ts';
import type { Client } from './client.ts';
import type { Numeric } from './numerics.ts';

/** Tells a client why something in a channel was refused. `subject` is the nick or mask that it was about. */
export function channelRefused(client: Client, channel: string, refusal: Refusal, subject?: string): void {
  const { code, text } = refusal;
  switch (code) {
    case 'no-such-user':
      client.numeric('ERR_USERNOTINCHANNEL', subject ?? '*', channel, text);
      break;
    case 'too-many':
      client.numeric('ERR_BANLISTFULL', channel, subject ?? '*', text);
      break;
    default:
      client.numeric(channelNumerics.get(code) ?? 'ERR_UNKNOWNERROR', channel, text);
  }
}

const channelNumerics: ReadonlyMap<Refusal['code'], Numeric> = new Map<Refusal['code'], Numeric>([
  ['no-such-room', 'ERR_NOSUCHCHANNEL'],
  ['bad-name', 'ERR_NOSUCHCHANNEL'],
  ['not-a-member', 'ERR_NOTONCHANNEL'],
  ['not-permitted', 'ERR_CHANOPRIVSNEEDED'],
  ['banned', 'ERR_BANNEDFROMCHAN'],
  ['members-only', 'ERR_INVITEONLYCHAN'],
  ['wrong-key', 'ERR_BADCHANNELKEY'],
  ['full', 'ERR_CHANNELISFULL'],
  ['moderated', 'ERR_CANNOTSENDTOCHAN'],
  ['too-large', 'ERR_CANNOTSENDTOCHAN'],
  ['too-fast', 'ERR_CANNOTSENDTOCHAN'],
  ['refused-by-hook', 'ERR_CANNOTSENDTOCHAN'],
]);

/** A message that did not get into a channel. */
export function speechRefused(client: Client, channel: string, refusal: Refusal): void {
  if (refusal.code === 'no-such-room') client.numeric('ERR_NOSUCHCHANNEL', channel, refusal.text);
  else client.numeric('ERR_CANNOTSENDTOCHAN', channel, refusal.text);
}

export function joinRefused(client: Client, channel: string, refusal: Refusal): void {
  if (refusal.code === 'already-a-member') return;
  if (refusal.code === 'too-many') client.numeric('ERR_TOOMANYCHANNELS', channel, refusal.text);
  else channelRefused(client, channel, refusal);
}

export function nickRefused(client: Client, nick: string, refusal: Refusal): void {
  const taken = refusal.code === 'nick-in-use' || refusal.code === 'name-taken';
  client.numeric(taken ? 'ERR_NICKNAMEINUSE' : 'ERR_ERRONEUSNICKNAME', nick === '' ? '*' : nick, refusal.text);
}
