/** The server itself as somebody one can write to: `/msg banyan help` runs the server's commands. */
import type { Room, Session } from '../../server/plugin.ts';
import type { Client } from './client.ts';

export const serviceNick = 'banyan';

export async function runCommand(client: Client, session: Session, name: string, args: string, room?: Room): Promise<boolean> {
  const { commands } = client.server.host;
  const answer =
    name.toLowerCase() === 'help'
      ? [...commands.all()].map((command) => `${command.usage}: ${command.help}`).join('\n') || 'There are no commands here.'
      : await commands.run(name, { user: session.user, session, room, args });
  if (answer === undefined) return false;
  const source = `${serviceNick}!service@${client.server.name}`;
  const lines = answer === '' ? ['Done.'] : answer.split('\n');
  for (const line of lines) client.send({ text: `:${source} NOTICE ${client.nick} :${line.replace(/[\r\0]/g, '')}` });
  return true;
}
