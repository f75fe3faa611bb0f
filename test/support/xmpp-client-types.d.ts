/** What the tests use of @xmpp/client, which comes without types. */
declare module '@xmpp/client' {
  import type { Element } from 'ltx';

  interface Client {
    start(): Promise<{ toString(): string }>;
    stop(): Promise<unknown>;
    send(element: Element): Promise<void>;
    on(event: 'stanza', listen: (element: Element) => void): void;
    /** A listener that comes before those of the library itself. */
    prependListener(event: 'element', listen: (element: Element) => void): void;
    on(event: 'error', listen: (error: Error) => void): void;
    on(event: 'disconnect', listen: () => void): void;
    readonly reconnect: { stop(): void };
    readonly iqCaller: { request(element: Element, timeout?: number): Promise<Element> };
  }

  export function client(options: {
    readonly service: string;
    readonly domain: string;
    readonly resource?: string;
    readonly username: string;
    readonly password: string;
  }): Client;
  export function xml(
    name: string,
    attributes?: Readonly<Record<string, string | undefined>>,
    ...children: (Element | string | undefined)[]
  ): Element;
}
