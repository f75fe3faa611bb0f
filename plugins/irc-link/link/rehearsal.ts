/** What `banyan link check` tells of a link: that it can be made, and what will not cross it. */
import { DialError, type LinkFinding, type Room } from '../../../server/plugin.ts';
import type { NetworkConfig } from '../config.ts';
import { connectTo, handshakeMilliseconds, shakeHands, type DialOptions, type Peer } from './handshaking.ts';

/** What a room here has, and the mode without which a network does not know of it. */
const needed: readonly (readonly [what: string, mode: string])[] = [
  ['operators', 'op'],
  ['voice', 'voice'],
  ['bans', 'ban'],
  ['"moderated"', 'moderated'],
  ['"members only"', 'inviteonly'],
  ['"hidden"', 'secret'],
  ['"topic locked"', 'topiclock'],
  ['"members speak"', 'noextmsg'],
  ['the key of a room', 'key'],
  ['the limit of a room', 'limit'],
];

const good = (text: string): LinkFinding => ({ verdict: 'good', text });
const loss = (text: string): LinkFinding => ({ verdict: 'loss', text });
const mistake = (text: string): LinkFinding => ({ verdict: 'mistake', text });

/** Logs in, compares, and leaves before anybody over there has seen a server come. */
export async function rehearse(options: DialOptions, rooms: readonly Room[]): Promise<readonly LinkFinding[]> {
  const { network } = options;
  if (network.address === undefined) return [mistake(`${network.peer_name} has to dial us: without an address there is nothing to try`)];
  try {
    const connection = await connectTo(options, network.address, AbortSignal.timeout(handshakeMilliseconds));
    const peer = await shakeHands({
      host: options.host,
      side: 'dialled',
      connection,
      candidates: [network],
      timeout: handshakeMilliseconds,
      rehearsal: true,
      refuse: () => undefined,
    });
    if ('refused' in peer) return [mistake(peer.refused), ...explain(peer.refused, network)];
    const findings = compare(peer, network, rooms);
    peer.wire.close('This was a rehearsal');
    return findings;
  } catch (error) {
    if (!(error instanceof DialError)) throw error;
    return [mistake(error.message)];
  }
}

/** Servers say that one of our name is there in many words. */
function explain(refused: string, network: NetworkConfig): readonly LinkFinding[] {
  if (!/already (?:exists|registered)/i.test(refused)) return [];
  return [mistake(`${network.server_name} is connected there already: a server that runs has this link, or another has its name or id`)];
}

/** Compares a peer that has proved itself with what is to be shared. */
export function compare({ wire, us, identity, established }: Peer, network: NetworkConfig, rooms: readonly Room[]): LinkFinding[] {
  const { rules, limits, software, losses } = established;
  const { tls, loopback } = wire.connection;
  const findings = [
    good(`${identity.name} takes us as ${us.name}: names, passwords and certificates are right on both sides`),
    good(`it is ${software}`),
    tls !== undefined || loopback
      ? good(tls === undefined ? 'without TLS, within this machine' : `encrypted, ${tls.protocol}`)
      : loss('secrecy: without TLS the passwords, and all that is said, can be read on the way'),
  ];
  const missing = needed.filter(([, mode]) => rules.modes.byName(mode) === undefined);
  findings.push(...missing.map(([what, mode]) => loss(`${what}: it has no mode "${mode}"`)));
  if (missing.length === 0) findings.push(good('it has a mode for every setting of a room'));
  findings.push(...losses.map(loss));

  const size = (text: string): number => Buffer.byteLength(text);
  const nicks = new Set(rooms.flatMap((room) => [...room.members.values()].map((member) => member.nick)));
  const long = [...nicks].filter((nick) => size(nick) > limits.nick).length;
  const most = `nicks have at most ${limits.nick} bytes there`;
  findings.push(long === 0 ? good(most) : loss(`ends of nicks: ${most}, ${long} of ${nicks.size} here are longer`));
  if (size(network.service_nick) > limits.nick) findings.push(mistake(`service_nick "${network.service_nick}" is too long: ${most}`));
  for (const { channel } of network.rooms)
    if (size(channel) > limits.channel)
      findings.push(mistake(`the channel ${channel} is too long: names of channels have at most ${limits.channel} bytes there`));
  const topics = rooms.filter((room) => size(room.topic.text) > limits.topic);
  const mostTopic = `topics have at most ${limits.topic} bytes there`;
  if (topics.length === 0) findings.push(good(mostTopic));
  for (const room of topics) findings.push(loss(`the end of the topic of ${room.name}: ${mostTopic}`));
  return findings;
}
