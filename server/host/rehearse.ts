/** A rehearsal of a link while no server runs: as much of one as a plugin needs to log in somewhere. */
import type { Logger } from 'pino';
import { loadConfig } from '../config/load.ts';
import type { LinkFinding } from '../contract/host.ts';
import { TlsStore } from '../net/tls.ts';
import type { Storage } from '../storage.ts';
import { hostParts, openConfiguredCore, openNetwork } from './assembly.ts';
import { tlsFiles } from './certificates.ts';
import { checkConfig } from './check.ts';
import { PluginHost } from './plugin-host.ts';
import { serverSecret } from './secret.ts';

export interface RehearsalOptions {
  readonly configFile: string;
  readonly dataFolder: string;
  readonly openStorage: (folder: string, log: Logger) => Promise<Storage>;
  readonly log: Logger;
}

/** @throws ConfigError StorageError, or Error in words for the person at the terminal */
export async function rehearseAlone(
  link: string,
  { configFile, dataFolder, openStorage, log }: RehearsalOptions,
): Promise<readonly LinkFinding[]> {
  const { config, selected } = await checkConfig(loadConfig(configFile));
  const secret = serverSecret(dataFolder);
  const tls = new TlsStore(await tlsFiles(config, dataFolder));
  const storage = await openStorage(dataFolder, log);
  try {
    // Rooms as they were left: those of the configuration are made by a server that runs.
    const core = await openConfiguredCore({ ...config, rooms: [] }, { storage, secret, log });
    try {
      const parts = hostParts(config, { core, ...openNetwork(config, tls, log), storage, log, startedAt: Date.now() });
      for (const { plugin, config: table } of selected) {
        const findings = await new PluginHost(plugin, parts).rehearseAlone(table, link);
        if (findings !== undefined) return findings;
      }
    } finally {
      await core.close('done');
    }
  } finally {
    await storage.close();
  }
  throw new Error(`no network in ${configFile} has the label "${link}"`);
}
