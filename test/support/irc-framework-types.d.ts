/** What the tests use of irc-framework, which comes without types. */
declare module 'irc-framework' {
  interface ClientOptions {
    readonly host: string;
    readonly port: number;
    readonly nick: string;
    readonly username?: string;
    readonly gecos?: string;
    readonly tls?: boolean;
    readonly rejectUnauthorized?: boolean;
    readonly auto_reconnect?: boolean;
    readonly enable_echomessage?: boolean;
    readonly enable_setname?: boolean;
    readonly enable_chghost?: boolean;
    readonly account?: { readonly account: string; readonly password: string };
    readonly sasl_mechanism?: string;
    readonly sasl_disconnect_on_fail?: boolean;
  }

  class Client {
    constructor(options: ClientOptions);
    readonly user: { readonly nick: string; readonly away: boolean };
    readonly network: {
      readonly name: string;
      readonly cap: { readonly enabled: readonly string[] };
      supports(feature: string): unknown;
    };
    requestCap(names: readonly string[]): void;
    connect(): void;
    on(event: string, listen: (data: Readonly<Record<string, unknown>>) => void): void;
    raw(line: string): void;
    say(target: string, text: string): void;
    notice(target: string, text: string): void;
    action(target: string, text: string): void;
    join(channel: string, key?: string): void;
    part(channel: string, reason?: string): void;
    changeNick(nick: string): void;
    setTopic(channel: string, topic: string): void;
    mode(channel: string, mode: string, params?: readonly string[]): void;
    ctcpRequest(target: string, type: string): void;
    whois(nick: string): void;
    quit(reason?: string): void;
  }

  const framework: { readonly Client: typeof Client };
  export default framework;
}
