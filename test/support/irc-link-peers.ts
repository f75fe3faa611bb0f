/** Real servers of both dialects behind a way that can be cut, each as the one peer of a link. */
import { cuttableWay, type CuttableWay } from './cuttable.ts';
import { startInspircd } from './inspircd.ts';
import { linkTable, ngircdNetwork } from './irc-link-table.ts';
import { startNgircd } from './ngircd.ts';

export interface LinkPeer {
  /** Where its people connect. */
  readonly port: number;
  /** The label of its network. */
  readonly label: string;
  readonly way: CuttableWay;
  /** The configuration of a link that dials it over the way, soon again when that fails. */
  readonly table: string;
  stop(): Promise<void>;
}

const quickly = 'retry_seconds = 0.5\nretry_at_most_seconds = 1';
const over = (way: CuttableWay): string => `address = "127.0.0.1:${way.port}"\ntls = false`;

async function inspircd(): Promise<LinkPeer> {
  const server = await startInspircd();
  const way = await cuttableWay(server.linkPort);
  const table = linkTable(server, { plugin: quickly, dial: false, network: over(way) });
  return peer(server, way, 'testnet', table);
}

async function ngircd(): Promise<LinkPeer> {
  const server = await startNgircd();
  const way = await cuttableWay(server.port);
  const table = `[plugins.irc-link]\n${quickly}\n${ngircdNetwork(server, { dial: false, network: over(way) })}`;
  return peer(server, way, 'ngnet', table);
}

function peer(server: { readonly port: number; stop(): Promise<unknown> }, way: CuttableWay, label: string, table: string): LinkPeer {
  return {
    port: server.port,
    label,
    way,
    table,
    async stop() {
      await way.stop();
      await server.stop();
    },
  };
}

/** `timed`: its topics have times. */
export const linkPeers = [
  { kind: 'InspIRCd', start: inspircd, timed: true },
  { kind: 'ngIRCd', start: ngircd, timed: false },
] as const;
