/** What a line typed into the composer means. */

export type Command =
  | { readonly kind: 'say'; readonly text: string; readonly style: 'normal' | 'action' | 'notice' }
  | { readonly kind: 'nick'; readonly nick: string }
  | { readonly kind: 'topic'; readonly topic: string }
  | { readonly kind: 'join'; readonly room: string; readonly key: string }
  | { readonly kind: 'leave'; readonly reason: string }
  | { readonly kind: 'private'; readonly to: string; readonly text: string }
  | { readonly kind: 'away'; readonly text: string | null }
  | { readonly kind: 'kick'; readonly nick: string; readonly reason: string; readonly ban: boolean }
  | { readonly kind: 'mask'; readonly mask: string; readonly add: boolean }
  | { readonly kind: 'grant'; readonly nick: string; readonly right: 'operator' | 'voice'; readonly give: boolean }
  | { readonly kind: 'invite'; readonly nick: string }
  | { readonly kind: 'who'; readonly nick: string }
  | { readonly kind: 'help' }
  /** A command of the server. */
  | { readonly kind: 'server'; readonly name: string; readonly args: string }
  /** Typed wrongly; `usage` says how. */
  | { readonly kind: 'wrong'; readonly usage: string };

export const help: readonly (readonly [usage: string, meaning: string])[] = [
  ['/me TEXT', 'say what you do'],
  ['/msg NICK TEXT', 'write privately'],
  ['/nick NAME', 'change your name'],
  ['/join ROOM [KEY]', 'enter a room, or make one'],
  ['/leave [REASON]', 'leave this room'],
  ['/topic TEXT', 'change the topic'],
  ['/away [TEXT]', 'be away; /back to be back'],
  ['/whois NICK', 'about somebody'],
  ['/invite NICK', 'invite somebody to this room'],
  ['/kick NICK [REASON]', 'remove somebody'],
  ['/ban NICK [REASON]', 'remove somebody for good; or a mask nick!user@host'],
  ['/unban MASK', 'lift a ban'],
  ['/op NICK, /deop NICK', 'make somebody an operator, or no longer'],
  ['/voice NICK, /devoice NICK', 'let somebody speak in a moderated room'],
];

/** `//text` says a text that begins with a slash. */
export function parseCommand(line: string): Command {
  if (!line.startsWith('/')) return { kind: 'say', text: line, style: 'normal' };
  if (line.startsWith('//')) return { kind: 'say', text: line.slice(1), style: 'normal' };
  const [, name = '', rest = ''] = /^\/(\S*)\s*([\s\S]*)$/.exec(line) ?? [];
  const [, first = '', second = ''] = /^(\S*)\s*([\s\S]*)$/.exec(rest) ?? [];
  const wrong = (usage: string): Command => ({ kind: 'wrong', usage });
  switch (name.toLowerCase()) {
    case 'me':
      return rest === '' ? wrong('/me TEXT') : { kind: 'say', text: rest, style: 'action' };
    case 'notice':
      return rest === '' ? wrong('/notice TEXT') : { kind: 'say', text: rest, style: 'notice' };
    case 'nick':
      return rest === '' ? wrong('/nick NAME') : { kind: 'nick', nick: rest.trim() };
    case 'topic':
      return { kind: 'topic', topic: rest };
    case 'join':
    case 'j':
      return first === '' ? wrong('/join ROOM [KEY]') : { kind: 'join', room: first, key: second.trim() };
    case 'leave':
    case 'part':
      return { kind: 'leave', reason: rest };
    case 'msg':
    case 'query':
      return first === '' || (name === 'msg' && second === '') ? wrong('/msg NICK TEXT') : { kind: 'private', to: first, text: second };
    case 'away':
      return { kind: 'away', text: rest === '' ? 'away' : rest };
    case 'back':
      return { kind: 'away', text: null };
    case 'kick':
      return first === '' ? wrong('/kick NICK [REASON]') : { kind: 'kick', nick: first, reason: second, ban: false };
    case 'ban':
      if (first === '') return wrong('/ban NICK [REASON]');
      return /[!@*]/.test(first) ? { kind: 'mask', mask: first, add: true } : { kind: 'kick', nick: first, reason: second, ban: true };
    case 'unban':
      return first === '' ? wrong('/unban MASK') : { kind: 'mask', mask: first, add: false };
    case 'op':
    case 'deop':
      return first === '' ? wrong(`/${name} NICK`) : { kind: 'grant', nick: first, right: 'operator', give: name === 'op' };
    case 'voice':
    case 'devoice':
      return first === '' ? wrong(`/${name} NICK`) : { kind: 'grant', nick: first, right: 'voice', give: name === 'voice' };
    case 'invite':
      return first === '' ? wrong('/invite NICK') : { kind: 'invite', nick: first };
    case 'whois':
    case 'who':
      return first === '' ? wrong('/whois NICK') : { kind: 'who', nick: first };
    case 'help':
      return { kind: 'help' };
    default:
      return { kind: 'server', name, args: rest };
  }
}

/** The nicks that begin like the word before the cursor, for the Tab key. */
export function completions(before: string, nicks: Iterable<string>): { readonly start: number; readonly matches: string[] } {
  const start = /\S*$/.exec(before)!.index;
  const word = before.slice(start).replace(/^@/, '').toLowerCase();
  if (word === '') return { start, matches: [] };
  const matches = [...nicks].filter((nick) => nick.toLowerCase().startsWith(word)).toSorted((a, b) => a.localeCompare(b));
  return { start, matches };
}
