import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import pino from 'pino';
import { parseDomain, roomAddress } from '../../../server/model/address.ts';
import { roomLog } from '../../../server/model/event.ts';
import { openSqliteStorage } from '../../../storage/sqlite/index.ts';

interface Seen {
  readonly full: { readonly taken: number; readonly refused: number; readonly read: string };
  readonly again: boolean;
  readonly read: number;
  /** Numbers from 1, none missing, none twice. */
  readonly inOrder: boolean;
  readonly last: number;
}

describe('the SQLite storage on a full disk', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'banyan-full-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  // The journal is cut at 40 kB, so the smaller limit stops the journal, the larger one the database.
  for (const [what, bytes] of [
    ['journal', 30_000],
    ['database', 120_000],
  ] as const) {
    it(`refuses what the ${what} cannot take, keeps what it acknowledged, and works again when there is room`, async () => {
      // The database must be there before the limit is.
      await (await openSqliteStorage({ folder, log: pino({ level: 'silent' }) })).close();
      const script = fileURLToPath(new URL('./filler.js', import.meta.url));
      const run = spawnSync('prlimit', [`--fsize=${bytes}:unlimited`, process.execPath, script, folder], { encoding: 'utf8' });
      expect(run.status, run.stderr).to.equal(0);
      const seen = JSON.parse(run.stdout) as Seen;
      if (what === 'journal') expect(seen.full.refused).to.equal(20);
      else {
        expect(seen.full.refused, 'the journal goes on').to.equal(0);
        expect(seen.full.read).to.match(/cannot be written .*make room on the disk/);
        expect(run.stderr.split('cannot be taken into the database'), 'told once').to.have.length(2);
      }
      expect(seen.again).to.equal(true);
      expect(seen.read).to.equal(seen.last);
      expect(seen.inOrder).to.equal(true);
      expect(seen.last).to.equal(seen.full.taken + 20);

      const storage = await openSqliteStorage({ folder, log: pino({ level: 'silent' }) });
      const log = roomLog(roomAddress(parseDomain('chat.example'), 'garden'));
      expect((await storage.lastPosition(log)).number).to.equal(seen.last);
      expect(await storage.read(log, { limit: 100_000, take: 'first' })).to.have.length(seen.last);
      await storage.close();
      expect(readdirSync(folder).filter((name) => name.startsWith('journal-'))).to.deep.equal([]);
    }).timeout(60_000);
  }
});
