import { startBanyan, type Banyan } from './banyan.ts';
import { connectIrc, openIrc, type IrcClient, type IrcClientOptions } from './irc-client.ts';

/** A server and IRC clients on it that are dropped with it. */
export interface IrcParty {
  readonly banyan: Banyan;
  /** A name that nobody else of this party has. */
  unique(name: string): string;
  /** Connects and registers. */
  irc(nick: string, options?: Partial<IrcClientOptions>): Promise<IrcClient>;
  /** Only connects. */
  raw(options?: { readonly tls?: boolean }): Promise<IrcClient>;
  stop(): Promise<void>;
}

export interface IrcPartyOptions {
  /** Lines of [plugins.irc-clients]. */
  readonly plugin?: string;
  readonly tables?: readonly string[];
  /** TOML of the top level. */
  readonly settings?: string;
}

export async function ircParty({ plugin = '', tables = [], settings = '' }: IrcPartyOptions = {}): Promise<IrcParty> {
  const banyan = await startBanyan({
    settings,
    tables: [`[plugins.irc-clients]\nlisten = ["127.0.0.1:0"]\nlisten_tls = ["127.0.0.1:0"]\n${plugin}`, ...tables],
  });
  const clients: IrcClient[] = [];
  let minted = 0;
  const kept = (client: IrcClient): IrcClient => {
    clients.push(client);
    return client;
  };
  return {
    banyan,
    unique(name) {
      minted += 1;
      return `${name}${minted}`;
    },
    irc: async (nick, options = {}) => kept(await connectIrc({ port: banyan.port('irc'), nick, ...options })),
    raw: async ({ tls = false } = {}) => kept(await openIrc({ port: banyan.port(tls ? 'irc-tls' : 'irc'), nick: '*', tls })),
    async stop() {
      for (const client of clients) client.drop();
      await banyan.stop();
    },
  };
}
