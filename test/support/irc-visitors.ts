import { connectIrc, type IrcClient } from './irc-client.ts';

export interface IrcVisitors {
  connect(port: number, nick: string): Promise<IrcClient>;
  /** Connects and joins. */
  enter(port: number, nick: string, channel: string): Promise<IrcClient>;
}

/** IRC clients of one suite, on whatever servers; who came quits after each test. To be called in its `describe`. */
export function ircVisitors(): IrcVisitors {
  let clients: IrcClient[] = [];
  afterEach(async () => {
    await Promise.all(clients.map((client) => client.quit()));
    clients = [];
  });
  const connect = async (port: number, nick: string): Promise<IrcClient> => {
    const client = await connectIrc({ port, nick });
    clients.push(client);
    return client;
  };
  return {
    connect,
    async enter(port, nick, channel) {
      const client = await connect(port, nick);
      await client.join(channel);
      return client;
    },
  };
}
