/** A Prosody and a Banyan that federate, for the tests here. */
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { connectNative, type NativeClient } from '../support/native-client.ts';
import { freePort } from '../support/ports.ts';
import { startProsody, type FederationMode, type Prosody } from '../support/prosody.ts';
import { eventually } from '../support/wait.ts';
import { connectXmpp, type XmppClient } from '../support/xmpp-client.ts';

export const domain = 'banyan.example';
export const lounge = `lounge@rooms.${domain}`;
export const mucUser = 'http://jabber.org/protocol/muc#user';
export const mucAdmin = 'http://jabber.org/protocol/muc#admin';
export const mucOwner = 'http://jabber.org/protocol/muc#owner';

export interface Pair {
  readonly prosody: Prosody;
  readonly banyan: Banyan;
  stop(): Promise<void>;
}

export interface PairOptions {
  readonly mode: FederationMode;
  /** TLS from the first byte, both ways. */
  readonly directTls?: boolean;
  /** How Banyan finds Prosody: as its configuration says, or by SRV records. */
  readonly found?: 'configured' | 'dns';
  /** More TOML tables of Banyan's. */
  readonly tables?: readonly string[];
  /** More lines of [plugins.xmpp]. */
  readonly settings?: string;
  /** Modules of Prosody to leave out. */
  readonly without?: readonly string[];
  /** Something between Banyan and Prosody's port: answers with the port to dial instead. */
  readonly between?: (port: number) => Promise<number>;
}

export async function startPair(options: PairOptions): Promise<Pair> {
  const { mode, directTls = false, found = 'configured', tables: more = [], settings = '', without = [], between } = options;
  const port = await freePort();
  const names = [domain, `rooms.${domain}`, `users.${domain}`];
  const records = names.map((name) => ({ domain: name, ...(directTls ? { directTlsPort: port } : { port }) }));
  const prosody = await startProsody({ mode, records, users: ['amy'], without });
  const theirs = directTls ? prosody.serverTlsPort : prosody.serverPort;
  const dialled = between === undefined ? theirs : await between(theirs);
  const peers = [prosody.domain, prosody.roomDomain].map(
    (name) => `[[plugins.xmpp.peers]]\ndomain = "${name}"\nhost = "127.0.0.1"\nport = ${dialled}\ndirect_tls = ${directTls}`,
  );
  const tables = [
    ...more,
    `[plugins.xmpp]
listen = [${directTls ? '' : `"127.0.0.1:${port}"`}]
listen_tls = [${directTls ? `"127.0.0.1:${port}"` : ''}]
require_tls = ${mode !== 'plain'}
authentication = "${mode === 'external' ? 'certificate' : 'dialback'}"
${settings}
${found === 'configured' ? peers.join('\n') : ''}`,
  ];
  if (found === 'dns') tables.push(`[dns]\nservers = ["127.0.0.1:${prosody.dnsPort}"]`);
  if (mode === 'external') {
    const { certificateFile, keyFile } = await prosody.authority.issue(names);
    tables.push(`[tls]\ncertificate = "${certificateFile}"\nkey = "${keyFile}"\nauthorities = "${prosody.authority.file}"`);
  }
  const banyan = await startBanyan({ domain, tables });
  await banyan.account('chief', 'chief-password', { administrator: true });
  return {
    prosody,
    banyan,
    async stop() {
      await banyan.stop();
      await prosody.stop();
    },
  };
}

export function login({ prosody }: Pair, user: string, resource = 'test'): Promise<XmppClient> {
  return connectXmpp({ service: prosody.websocket, domain: prosody.domain, user, resource });
}

/** By which address everybody gets somebody who is in the room, or comes. */
export async function addressOf(client: NativeClient, nick: string): Promise<string> {
  type People = readonly { readonly nick: string; readonly address: string }[];
  const found = (): string | undefined =>
    client.frames
      .flatMap((frame) => (frame.type === 'events' ? (frame['items'] as typeof client.frames) : [frame]))
      .flatMap((each) => ((each['members'] ?? []) as People).filter((member) => member.nick === nick))
      .at(-1)?.address;
  return eventually(`${nick} in the room`, found);
}

/** Somebody who may do everything, in the lounge. */
export async function chief({ banyan }: Pair): Promise<NativeClient> {
  const client = await connectNative(banyan.port('web'));
  await client.must({ type: 'sign-in', name: 'chief', password: 'chief-password' });
  await client.must({ type: 'join', room: 'lounge' });
  return client;
}
