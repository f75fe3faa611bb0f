/** What ours want to do to others in a room of another server, asked there (XEP-0045 sections 8 and 9). */
import { refused, type Act, type Outcome, type User } from '../../../server/plugin.ts';
import type { People } from '../people.ts';
import { legalNick } from '../muc/nicks.ts';
import { element, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';
import type { Asks } from './asks.ts';
import type { ForeignRoom } from './foreign-room.ts';
import { refusalOf } from './stanzas.ts';

export function doThere(room: ForeignRoom, people: People, asks: Asks, user: User, act: Act): Promise<Outcome<void>> {
  const occupant = room.occupantOf(user);
  if (occupant?.isInside !== true) return Promise.resolve(refused('not-a-member', 'You are not in that room.'));
  const nickOf = (target: User): string | undefined => room.people.nickOf(target) ?? room.occupantOf(target)?.nick;
  const ask = async (item: Element): Promise<Outcome<void>> => {
    const said = await asks.ask(occupant.jid, room.address, 'set', element('query', ns.mucAdmin, {}, item));
    if (said.kind === 'result') return { ok: true, value: undefined };
    if (said.kind === 'error') return { ok: false, refusal: refusalOf(said, 'doing') };
    return refused('unavailable', `The room cannot be reached: ${said.text}.`);
  };
  const item = (what: Readonly<Record<string, string | undefined>>, reason = ''): Element =>
    element('item', ns.mucAdmin, what, reason === '' ? undefined : element('reason', ns.mucAdmin, {}, reason));
  const nobody = (): Promise<Outcome<void>> => Promise.resolve(refused('no-such-user', 'The room knows nobody of that name.'));
  switch (act.kind) {
    case 'kick': {
      const nick = nickOf(act.target);
      if (nick === undefined) return nobody();
      return room.acting(user, nick, ask(item(act.ban ? { nick, affiliation: 'outcast' } : { nick, role: 'none' }, act.reason)));
    }
    case 'grant': {
      const nick = nickOf(act.target);
      if (nick === undefined) return nobody();
      const role =
        act.operator === true
          ? 'moderator'
          : act.voice === false
            ? 'visitor'
            : act.operator === false || act.voice === true
              ? 'participant'
              : undefined;
      return role === undefined ? Promise.resolve({ ok: true, value: undefined }) : ask(item({ nick, role }));
    }
    case 'affiliation': {
      const there = [...room.room.members.values()].find((member) => member.address === act.address);
      const nick = there === undefined ? undefined : nickOf(there.who);
      const jid = nick === undefined ? people.jidOf(act.address) : undefined;
      if (nick === undefined && (jid === undefined || jid.resource !== '')) return nobody();
      return ask(item({ nick, jid: jid?.bare, affiliation: act.affiliation }, act.reason));
    }
    case 'nick': {
      const nick = legalNick(act.nick);
      if (nick === undefined) return Promise.resolve(refused('bad-nick', 'That room does not take that nick.'));
      room.rename(user, nick);
      return Promise.resolve({ ok: true, value: undefined });
    }
    case 'ban':
      return Promise.resolve(refused('not-permitted', `${room.address} bans addresses, not patterns: use ~a:name@server.`));
    case 'configure':
      return Promise.resolve(refused('not-permitted', `${room.address} is configured by its owners, with an XMPP client.`));
    default:
      return act satisfies never;
  }
}
