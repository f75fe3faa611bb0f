/** Rooms as channels: names, modes and the signs of members. */
import type { Affiliation, Circle, MemberView, PrivateRecord, Room, RoomAddress, RoomConfig, UserAddress } from '../../server/plugin.ts';
import type { ModeChange, ModeLetters } from '../irc/modes.ts';

export const modeLetters: ModeLetters = {
  list: 'b',
  always: 'k',
  whenSet: 'l',
  never: 'imnst',
  prefix: [
    { letter: 'q', sign: '~' },
    { letter: 'a', sign: '&' },
    { letter: 'o', sign: '@' },
    { letter: 'v', sign: '+' },
  ],
};

/**
 * The channel's name: `#` and the room's name. A comma, which would be two channels, is `%2c`; a percent sign that could be
 * read as such an escape is `%25`.
 */
export function channelName(room: { readonly name: string }): string {
  return `#${room.name.replace(/%(?=25|2c)|,/gi, (character) => (character === ',' ? '%2c' : '%25'))}`;
}

/** What a client wants to join: a channel, or an address such as `xmpp:den@conference.example`; undefined when it is neither. */
export function nameToJoin(text: string): string | undefined {
  return /^[a-z]+:[^\s,\u0007]+$/.test(text) ? text : roomName(text);
}

/** The room's name in a channel's, or undefined when it is no channel name. */
export function roomName(channel: string): string | undefined {
  if (!channel.startsWith('#') || channel.length < 2 || /[\s,\u0007]/.test(channel)) return undefined;
  return channel.slice(1).replace(/%(25|2c)/gi, (_, code: string) => (code === '25' ? '%' : ','));
}

/** The same for a room that is known by its address alone. */
export function channelAt(address: RoomAddress): string {
  return channelName({ name: address.replace(/^.*?\/@/, '') });
}

/** To whom a message goes whose target is a sign and a channel (STATUSMSG). */
const circles: ReadonlyMap<string, Circle> = new Map([
  ['~', 'owner'],
  ['&', 'admin'],
  ['@', 'operator'],
  ['+', 'voice'],
]);

/** `@#lounge`: the channel, and who in it is meant. */
export function statusTarget(target: string): { readonly circle: Circle; readonly channel: string } | undefined {
  const circle = circles.get(target.slice(0, 1));
  return circle === undefined || target[1] !== '#' ? undefined : { circle, channel: target.slice(1) };
}

/** The target of a message that went to some of a room; undefined for one to a single person. */
export function circleTarget(content: PrivateRecord['content']): string | undefined {
  if (content.kind !== 'private' || content.circle === undefined || content.room === undefined) return undefined;
  const [sign] = [...circles].find(([, circle]) => circle === content.circle)!;
  return `${sign}${channelAt(content.room)}`;
}

/** Letters of a member's status, highest first. Owners and admins act as operators, so they show as that too. */
export function statusLetters(member: Pick<MemberView, 'affiliation' | 'operator' | 'voice'>, moderated: boolean): string {
  let letters = '';
  if (member.affiliation === 'owner') letters += 'q';
  if (member.affiliation === 'admin') letters += 'a';
  if (letters !== '' || member.operator) letters += 'o';
  if (member.voice || (moderated && member.affiliation === 'member')) letters += 'v';
  return letters;
}

/** The signs before a nick: all of them, or the highest. */
export function statusSigns(member: Pick<MemberView, 'affiliation' | 'operator' | 'voice'>, moderated: boolean, all: boolean): string {
  const letters = statusLetters(member, moderated);
  const signs = modeLetters.prefix.filter(({ letter }) => letters.includes(letter)).map(({ sign }) => sign);
  return all ? signs.join('') : (signs[0] ?? '');
}

/** What it takes to come from one status to another. */
export function statusChanges(before: string, after: string, nick: string): ModeChange[] {
  const changes: ModeChange[] = [];
  for (const { letter } of modeLetters.prefix) {
    const had = before.includes(letter);
    if (had !== after.includes(letter)) changes.push({ add: !had, letter, param: nick });
  }
  return changes;
}

type Switch = 'moderated' | 'membersOnly' | 'hidden' | 'topicLocked' | 'membersSpeak';
export const switches: ReadonlyMap<string, Switch> = new Map([
  ['i', 'membersOnly'],
  ['m', 'moderated'],
  ['n', 'membersSpeak'],
  ['s', 'hidden'],
  ['t', 'topicLocked'],
]);

/** Changes of a room's configuration as mode changes. The key itself is shown only to members, so only to them this goes. */
export function configModes(changes: Partial<RoomConfig>): ModeChange[] {
  const modes: ModeChange[] = [];
  for (const [letter, key] of switches) {
    const value = changes[key];
    if (value !== undefined) modes.push({ add: value, letter });
  }
  const { key, limit } = changes;
  if (key !== undefined)
    modes.push(key === null ? { add: false, letter: 'k', param: '*' } : { add: true, letter: 'k', param: shownKey(key) });
  if (limit !== undefined) modes.push(limit === null ? { add: false, letter: 'l' } : { add: true, letter: 'l', param: String(limit) });
  return modes;
}

/** `+nt` and its parameters for 324; the key is hidden from who is not inside. */
export function currentModes(room: Room, inside: boolean): { readonly modes: string; readonly params: readonly string[] } {
  const { key, limit } = room.config;
  let modes = '+';
  for (const [letter, name] of switches) if (room.config[name]) modes += letter;
  const params: string[] = [];
  if (key !== null) {
    modes += 'k';
    params.push(inside ? shownKey(key) : '*');
  }
  if (limit !== null) {
    modes += 'l';
    params.push(String(limit));
  }
  return { modes, params };
}

/** Whether a key can be said in JOIN and MODE: no blanks, no commas. */
export function isSayableKey(key: string): boolean {
  return /^[^\s,:\p{C}][^\s,\p{C}]*$/u.test(key);
}

/** Other protocols may have set a key that cannot be said here. */
function shownKey(key: string): string {
  return isSayableKey(key) ? key : '*';
}

/** An address as an extended ban: `~a:alice`, `~a:alice@prosody.example`. Outcasts are shown so. */
export function accountMask(address: UserAddress): string {
  const native = /^banyan:\/\/[^/]+\/~(.+)$/.exec(address);
  return `~a:${native === null ? address.replace(/^xmpp:/, '').replace(/\s/g, '_') : native[1]!}`;
}

/** The lowest affiliation that keeps somebody in who loses a higher one. */
export function affiliationAfterLoss(room: Room): Affiliation {
  return room.config.membersOnly ? 'member' : 'none';
}
