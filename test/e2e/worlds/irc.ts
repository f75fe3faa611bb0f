import type { IrcClient, IrcLine } from '../../support/irc-client.ts';
import { eventually } from '../../support/wait.ts';
import { Notebook, type Person, type World } from './world.ts';

const prefixes = /^[~&@%+]+/;

export interface IrcWorldOptions {
  readonly channel: string;
  /** Connects and registers under that nick; called again after the connection is lost. */
  readonly connect: (nick: string) => Promise<IrcClient>;
  /** Members that stand for a server and are no persons. */
  readonly services?: readonly string[];
}

/**
 * Somebody with an IRC client, here or on a server of another network. Coming back to a server that offers
 * `draft/chathistory` it asks for what it missed.
 */
export async function ircWorld(person: Person, { channel, connect, services = [] }: IrcWorldOptions): Promise<World> {
  const notebook = new Notebook();
  let client = await connect(person);
  let read = 0;
  let banned: string | undefined;
  /** Ids of messages seen: what comes live and in the history again is one message. */
  const ids = new Set<string>();
  let lastId: string | undefined;
  await client.join(channel);
  notebook.know(client.nick, person);

  /** Lines become observations when somebody looks, in order. */
  function look(): void {
    for (; read < client.lines.length; read += 1) observe(client.lines[read]!);
  }

  function observe(line: IrcLine): void {
    const [target = '', second = ''] = line.params;
    const id = line.tags.get('msgid');
    if (id !== undefined && line.command === 'PRIVMSG') {
      if (ids.has(id)) return;
      ids.add(id);
      lastId = id;
    }
    const inRoom = target.toLowerCase() === channel.toLowerCase();
    switch (line.command) {
      case 'PRIVMSG': {
        const action = /^\x01ACTION (.*?)\x01?$/.exec(second)?.[1];
        if (inRoom) notebook.see({ kind: action === undefined ? 'message' : 'action', from: line.nick, text: action ?? second });
        else if (target === client.nick) notebook.see({ kind: 'private', from: line.nick, text: second });
        break;
      }
      case 'TOPIC':
        if (inRoom) notebook.see({ kind: 'topic', from: line.nick, text: second });
        break;
      case 'NICK':
        notebook.see({ kind: 'nick', from: line.nick, to: target });
        break;
      case 'KICK':
        if (inRoom) notebook.see({ kind: 'removed', from: line.nick, who: second });
        break;
      case 'PART':
        if (inRoom) notebook.see({ kind: 'left', who: line.nick });
        break;
      case 'QUIT':
        notebook.see({ kind: 'left', who: line.nick });
        break;
      case 'JOIN':
        if (inRoom) notebook.see({ kind: 'joined', who: line.nick });
        break;
      default:
        break;
    }
  }

  /** Sends, and fails on an error numeric. */
  async function command(line: string): Promise<void> {
    client.send(line);
    const answer = await client.sync();
    const error = answer.find((each) => /^(?:4\d\d|5\d\d)$/.test(each.command));
    if (error !== undefined) throw new Error(`"${line}" was answered with "${error.raw}"`);
  }

  return {
    person,
    get observed() {
      look();
      return notebook.observed;
    },
    async say(text) {
      await command(`PRIVMSG ${channel} :${text}`);
      // no echo: what was sent is what was said
      look();
      notebook.see({ kind: 'message', from: client.nick, text });
    },
    mutter(text) {
      client.send(`PRIVMSG ${channel} :${text}`);
      return Promise.resolve();
    },
    act: (text) => command(`PRIVMSG ${channel} :\x01ACTION ${text}\x01`),
    async privateTo(whom, text) {
      look();
      await command(`PRIVMSG ${notebook.nameOf(whom)} :${text}`);
    },
    async nick(nick) {
      await command(`NICK ${nick}`);
      await eventually(`the own nick to be ${nick}`, () => client.nick === nick);
    },
    topic: (text) => command(`TOPIC ${channel} :${text}`),
    async kick(whom, reason) {
      look();
      await command(`KICK ${channel} ${notebook.nameOf(whom)} :${reason}`);
    },
    async ban(whom, reason) {
      look();
      banned = `${notebook.nameOf(whom)}!*@*`;
      await command(`MODE ${channel} +b ${banned}`);
      await command(`KICK ${channel} ${notebook.nameOf(whom)} :${reason}`);
    },
    async unban() {
      await command(`MODE ${channel} -b ${banned}`);
      banned = undefined;
    },
    leave: () => command(`PART ${channel} :for a while`),
    async return() {
      await client.join(channel);
    },
    async reconnect() {
      if (client.open) return;
      look();
      client = await connect(client.nick);
      read = 0;
      notebook.know(client.nick, person);
      await client.join(channel);
      if (lastId !== undefined) await command(`CHATHISTORY AFTER ${channel} msgid=${lastId} 1000`);
    },
    async members() {
      const names = await client.names(channel);
      look();
      return names
        .map((name) => name.replace(prefixes, ''))
        .filter((name) => !services.includes(name))
        .map((name) => notebook.who(name));
    },
    stop: () => client.quit(),
  };
}
