/** KILL: what administrators of the server may do to people anywhere. */
import type { Session } from '../../../server/plugin.ts';
import type { Client } from '../client.ts';

/** Throws somebody out: one of ours of this server, one of a linked network of that network. */
export function kill(client: Client, session: Session, params: readonly string[]): void {
  const { people, host } = client.server;
  const [nick = '', reason = ''] = params;
  if (!session.user.administrator) {
    client.numeric('ERR_NOPRIVILEGES', 'Only administrators of this server may do that');
    return;
  }
  const person = people.byNick(nick);
  const user = person === undefined ? undefined : host.users.get(person.id);
  if (user === undefined) client.numeric('ERR_NOSUCHNICK', nick, 'No such nick');
  else host.users.kill(user, `Killed by ${client.nick}${reason === '' ? '' : `: ${reason}`}`);
}
