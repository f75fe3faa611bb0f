/** What the composer sends. */
import { parseCommand, type Command } from './commands.ts';
import type { Reply } from './connection.ts';
import type { Conversation, Waiting } from './conversation.ts';
import { showDialog } from './dialog-state.ts';
import { open } from './reading.ts';
import { enter, leave } from './rooms.ts';
import { connection, conversations, tell, you } from './state.ts';
import { talkWith } from './talks.ts';

let serial = 0;

/** Runs a line of the composer. Answers why it was refused, if it was. */
export async function submit(conversation: Conversation, line: string): Promise<string | undefined> {
  const command = parseCommand(line);
  if (command.kind === 'wrong') return `Usage: ${command.usage}`;
  if (command.kind === 'say') {
    say(conversation, command.text, command.style);
    return undefined;
  }
  const reply = await run(conversation, command);
  return reply === undefined || reply.ok ? undefined : reply.text;
}

/** Shows the text at once as waiting; it becomes real when it comes back with its number. */
export function say(conversation: Conversation, text: string, style: string): void {
  serial += 1;
  const waiting: Waiting = { key: `waiting ${serial}`, text, style, since: Date.now() };
  conversation.waiting.push(waiting);
  conversation.changed();
  void send(conversation, waiting);
}

async function send(conversation: Conversation, waiting: Waiting): Promise<void> {
  const { text, style } = waiting;
  const reply = await connection.ask(
    conversation.kind === 'room'
      ? { type: 'say', room: conversation.address, text, style }
      : { type: 'private', to: conversation.address, text, style },
  );
  if (reply.ok) return;
  waiting.failed = reply.code === 'disconnected' ? 'disconnected' : reply.text;
  conversation.changed();
}

export function sendAgain(conversation: Conversation, waiting: Waiting): void {
  conversation.waiting.splice(conversation.waiting.indexOf(waiting), 1);
  say(conversation, waiting.text, waiting.style);
}

export function discard(conversation: Conversation, waiting: Waiting): void {
  conversation.waiting.splice(conversation.waiting.indexOf(waiting), 1);
  conversation.changed();
}

async function run(conversation: Conversation, command: Exclude<Command, { kind: 'say' | 'wrong' }>): Promise<Reply | undefined> {
  const room = conversation.address;
  switch (command.kind) {
    case 'nick':
      return connection.ask({ type: 'nick', nick: command.nick });
    case 'away':
      return connection.ask({ type: 'away', text: command.text });
    case 'join':
      return enter(command.room, command.key);
    case 'leave':
      await leave(conversation, command.reason);
      return undefined;
    case 'topic':
      return connection.ask({ type: 'topic', room, topic: command.topic });
    case 'kick':
      return connection.ask({ type: 'kick', room, user: command.nick, reason: command.reason, ban: command.ban });
    case 'mask':
      return connection.ask({ type: command.add ? 'ban' : 'unban', room, mask: command.mask });
    case 'grant':
      return connection.ask({ type: 'grant', room, user: command.nick, [command.right]: command.give });
    case 'invite':
      return connection.ask({ type: 'invite', room, user: addressOf(conversation, command.nick) });
    case 'private':
      return writeTo(addressOf(conversation, command.to), command.text);
    case 'who': {
      const reply = await connection.ask({ type: 'who', user: addressOf(conversation, command.nick) });
      if (reply.ok) showDialog({ name: 'person', person: reply.result['user'] as never });
      return reply;
    }
    case 'help':
      showDialog({ name: 'help' });
      return undefined;
    case 'server': {
      const reply = await connection.ask({
        type: 'command',
        name: command.name,
        args: command.args,
        ...(conversation.kind === 'room' ? { room } : {}),
      });
      if (reply.ok) tell(String(reply.result['text']));
      return reply;
    }
    default:
      return command satisfies never;
  }
}

/** Members of this room come before people of the same nick elsewhere. */
function addressOf(conversation: Conversation, nick: string): string {
  const folded = nick.toLowerCase();
  for (const member of conversation.members.values()) if (member.nick.toLowerCase() === folded) return member.address;
  for (const each of conversations.value.values())
    for (const member of each.members.values()) if (member.nick.toLowerCase() === folded) return member.address;
  return nick;
}

async function writeTo(person: string, text: string): Promise<Reply> {
  const found = await connection.ask({ type: 'who', user: person });
  if (!found.ok) return text !== '' && person.startsWith('xmpp:') ? writeFirst(person, text) : found;
  const talk = talkWith(found.result['user'] as never);
  open(talk.address);
  if (text !== '') say(talk, text, 'normal');
  return found;
}

/** Somebody of another server whom one knows: the answer tells who that is here. */
async function writeFirst(address: string, text: string): Promise<Reply> {
  const sent = await connection.ask({ type: 'private', to: address, text });
  if (sent.ok) open(talkWith(sent.result['to'] as never).address);
  return sent;
}

const typingEvery = 4_000;
let typedAt = 0;

/** Tells the room that one is typing, seldom enough. */
export function typing(conversation: Conversation, active: boolean): void {
  if (conversation.kind !== 'room' || !conversation.inside || you.value === undefined) return;
  const now = Date.now();
  if (active && now - typedAt < typingEvery) return;
  if (!active && typedAt === 0) return;
  typedAt = active ? now : 0;
  void connection.ask({ type: 'typing', room: conversation.address, state: active ? 'active' : 'done' });
}
