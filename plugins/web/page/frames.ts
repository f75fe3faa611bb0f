/** What the server's frames change on the page, and coming back as who one was. */
import type { ServerFrame } from '../protocol.ts';
import type { Reply } from './connection.ts';
import { forgetIdentity, type Identity, loadIdentity, saveIdentity, updateIdentity } from './identity.ts';
import { enterAll, entered, happened, left } from './rooms.ts';
import { connection, conversations, phase, reset, tell, welcome, you } from './state.ts';
import { loadPrivate, privately, renamed } from './talks.ts';

/** How the tab keeps who one is; decided at signing in. */
let staying = true;

export function setStaying(stay: boolean): void {
  staying = stay;
}

export function receive(frame: ServerFrame): void {
  switch (frame.type) {
    case 'welcome':
      welcome.value = frame;
      comeBack();
      break;
    case 'signed-in':
      void signedIn(frame);
      break;
    case 'room':
      void entered(frame);
      break;
    case 'events':
      happened(frame);
      break;
    case 'left':
      left(frame.room);
      break;
    case 'user':
      userChanged(frame);
      break;
    case 'private':
      privately(frame, true);
      break;
    case 'ended':
      tell(frame.reason, true);
      break;
    case 'reply':
      break;
    default:
      frame satisfies never;
  }
}

/** Signs in as who one was. */
function comeBack(): void {
  const identity = loadIdentity();
  if (identity === undefined) {
    phase.value = 'sign-in';
    return;
  }
  const question =
    identity.kind === 'guest'
      ? { type: 'guest' as const, nick: you.value?.nick ?? identity.nick, token: identity.token }
      : { type: 'token' as const, token: identity.token };
  void connection.ask(question).then((reply) => notRecognised(identity, reply));
}

function notRecognised(identity: Identity, reply: Reply): void {
  if (reply.ok || reply.code === 'disconnected') return;
  if (reply.code !== 'busy' && reply.code !== 'too-many') forgetIdentity();
  reset();
  tell(identity.kind === 'account' ? `${reply.text} Sign in again.` : reply.text, true);
}

async function signedIn(frame: Extract<ServerFrame, { type: 'signed-in' }>): Promise<void> {
  const again = you.value?.address === frame.you.address;
  if (you.value !== undefined && !again) conversations.value = new Map();
  you.value = frame.you;
  const identity =
    frame.token !== undefined
      ? ({ kind: 'account', name: frame.you.account ?? frame.you.nick, token: frame.token } as const)
      : frame.guestToken !== undefined
        ? ({ kind: 'guest', nick: frame.you.nick, token: frame.guestToken } as const)
        : undefined;
  if (identity !== undefined) {
    if (loadIdentity() === undefined) saveIdentity(identity, staying);
    else updateIdentity(identity);
  }
  phase.value = 'present';
  await enterAll(again);
  await loadPrivate();
}

function userChanged(frame: Extract<ServerFrame, { type: 'user' }>): void {
  const own = frame.address === you.value?.address;
  if (own && frame.now !== undefined && you.value !== undefined) {
    you.value = { ...you.value, ...frame.now };
    const identity = loadIdentity();
    if (identity?.kind === 'guest') updateIdentity({ ...identity, nick: frame.now.nick });
  }
  for (const each of conversations.value.values()) {
    const member = each.members.get(frame.address);
    if (frame.kind === 'quit') {
      if (each.members.delete(frame.address)) each.peopleChanged();
    } else if (member !== undefined && frame.now !== undefined) {
      // The address of people of an IRC network is made of their nick.
      if (frame.now.address !== frame.address) each.members.delete(frame.address);
      each.members.set(frame.now.address, { ...member, ...frame.now });
      each.peopleChanged();
    }
  }
  if (frame.now !== undefined) renamed(frame.address, frame.now);
}
