/** What somebody is shown, as one readable line each. */
import type { Batch, RoomItem } from '../../server/contract/rooms.ts';
import type { PrivateRecord } from '../../server/contract/users.ts';
import type { LoggedContent, MessageStyle, RoomChange, UserChange } from '../../server/model/event.ts';

/**
 * The lines of a batch:
 *
 *     lounge <anna> hello          lounge * anna waves        lounge -anna- note
 *     lounge join bert             lounge burst bert carl     lounge member bert operator
 *     lounge leave bert: bye       lounge split bert carl     lounge kick bert by anna: out
 *     lounge topic anna: tea       lounge network testnet away 2
 *
 * Display lines (came, went, changed the nick) are left out: they say again what the changes say. What came by `own` is marked `(own)`.
 */
export function describeBatch(batch: Batch, own: unknown): string[] {
  return batch.items.flatMap((item) => {
    const line = describeItem(item);
    return line === undefined ? [] : [`${batch.room.name} ${line}${item.via === own ? ' (own)' : ''}`];
  });
}

function describeItem(item: RoomItem): string | undefined {
  return item.kind === 'record' ? describeContent(item.record.content) : describeChange(item.change);
}

function describeContent(content: LoggedContent): string | undefined {
  switch (content.kind) {
    case 'message':
      return styled(content.author.nick, content.text.plain, content.style);
    case 'topic':
      return `topic ${content.author.nick}: ${content.topic}`;
    case 'ban':
      return `ban ${content.add ? '+' : '-'}${content.ban.mask} by ${content.author.nick}`;
    case 'config':
      return `config by ${content.author.nick}: ${Object.keys(content.changes).join(' ')}`;
    case 'network':
      return [
        `network ${content.network} ${content.present ? 'present' : 'away'} ${content.count}`,
        ...(content.crossing === undefined ? [] : [`crossing ${content.crossing}`]),
        ...(content.leftOut === undefined ? [] : [`left out ${content.leftOut}`]),
      ].join(' ');
    case 'affiliation':
      return `affiliation ${content.address} ${content.affiliation} by ${content.author.nick}`;
    case 'kick':
    case 'join':
    case 'leave':
    case 'nick':
    case 'private':
    case 'invitation':
      return undefined;
    default:
      return content satisfies never;
  }
}

function describeChange(change: RoomChange): string {
  switch (change.kind) {
    case 'joined':
      return `${change.cause.kind} ${nicks(change.members)}`;
    case 'left': {
      const { cause } = change;
      const who = nicks(change.members);
      switch (cause.kind) {
        case 'split':
          return `split ${who}`;
        case 'kick':
          return `kick ${who} by ${cause.by.nick}: ${cause.reason}`;
        case 'affiliation':
          return `barred ${who} by ${cause.by.nick}: ${cause.reason}`;
        case 'leave':
        case 'quit':
        case 'room-closed':
          return `${cause.kind} ${who}: ${cause.reason}`;
        default:
          return cause satisfies never;
      }
    }
    case 'member': {
      const { nick, operator, voice, affiliation } = change.after;
      const signs = [operator ? 'operator' : '', voice ? 'voice' : '', affiliation === 'none' ? '' : affiliation].filter(Boolean);
      return `member ${change.before.nick === nick ? nick : `${change.before.nick} now ${nick}`} ${signs.join(' ')}`.trimEnd();
    }
    case 'typing':
      return `typing ${change.member.nick} ${change.state}`;
    default:
      return change satisfies never;
  }
}

/** `private <bert> text`, `invited by bert to banyan://...` */
export function describePrivate({ content }: PrivateRecord): string {
  return content.kind === 'private'
    ? `private ${styled(content.author.nick, content.text.plain, content.style)}`
    : `invited by ${content.author.nick} to ${content.room}`;
}

/** `nick bert now bertram`, `quit bert: bye`, `away bert`, ... */
export function describeUserChange(change: UserChange): string {
  switch (change.kind) {
    case 'nick':
      return `nick ${change.before.nick} now ${change.after.nick}`;
    case 'quit':
      return `quit ${change.before.nick}: ${change.reason}`;
    case 'away':
      return `away ${change.after.nick}: ${change.after.away ?? 'no more'}`;
    case 'account':
      return `account ${change.after.nick}: ${change.after.account ?? 'none'}`;
    case 'profile':
      return `profile ${change.after.nick}`;
    default:
      return change satisfies never;
  }
}

function styled(nick: string, text: string, style: MessageStyle): string {
  if (style === 'action') return `* ${nick} ${text}`;
  return style === 'notice' ? `-${nick}- ${text}` : `<${nick}> ${text}`;
}

function nicks(members: readonly { readonly nick: string }[]): string {
  return members
    .map(({ nick }) => nick)
    .toSorted((a, b) => (a < b ? -1 : 1))
    .join(' ');
}

/** Of lines as above, what was said in rooms: `<bert> hello`. */
export function said(lines: readonly string[]): string[] {
  return lines.flatMap((line) => /^(?!private )[^ ]+ (<[^>]*> .*)$/s.exec(line)?.[1] ?? []);
}

/** Of lines as above, who came: every nick once for each time that it came, alone or in a burst. */
export function joins(lines: readonly string[]): string[] {
  return lines.flatMap((line) => /^[^ ]+ (?:join|burst) ([^(]*)/.exec(line)?.[1]?.trim().split(' ') ?? []);
}
