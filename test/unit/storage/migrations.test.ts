import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import pino from 'pino';
import { parseDomain, roomAddress } from '../../../server/model/address.ts';
import { roomLog } from '../../../server/model/event.ts';
import { StorageError, type Storage } from '../../../server/storage.ts';
import { openSqliteStorage } from '../../../storage/sqlite/index.ts';

const log = roomLog(roomAddress(parseDomain('chat.example'), 'garden'));
const open = (folder: string): Promise<Storage> => openSqliteStorage({ folder, log: pino({ level: 'silent' }) });

/**
 * A database as each version of the schema left it, written out here: never made by the code under test, never changed again.
 * A new version adds its own, and every one must open.
 */
const written: readonly (readonly [version: number, sql: string])[] = [
  [
    1,
    `CREATE TABLE logs (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
     CREATE TABLE blocks (
       log INTEGER NOT NULL REFERENCES logs (id), first INTEGER NOT NULL, last INTEGER NOT NULL,
       lowest_id TEXT NOT NULL, highest_id TEXT NOT NULL, records TEXT NOT NULL
     ) STRICT;
     CREATE UNIQUE INDEX blocks_by_number ON blocks (log, last);
     CREATE INDEX blocks_by_id ON blocks (log, highest_id, lowest_id);
     CREATE TABLE absorbed (one INTEGER PRIMARY KEY CHECK (one = 1), segment INTEGER NOT NULL, offset INTEGER NOT NULL) STRICT;
     INSERT INTO absorbed VALUES (1, 7, 0);
     CREATE TABLE accounts (name TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;
     CREATE TABLE rooms (address TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;
     CREATE TABLE keys (space TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (space, key)) STRICT, WITHOUT ROWID;
     INSERT INTO logs VALUES (3, '${log}');
     INSERT INTO blocks VALUES (3, 1, 1, '01HF0000000000000000000000', '01HF0000000000000000000000',
       '[1,"01HF0000000000000000000000","1.a","chat.example",1,2,"s","d","c"]
{"kind":"message","author":{"address":"banyan://chat.example/~ann","nick":"ann"},"text":{"plain":"old"},"style":"normal"}
');
     INSERT INTO accounts VALUES ('ann', '{"name":"ann","created":1,"administrator":true,"nick":"Ann","scram":{},"rooms":[]}');
     INSERT INTO keys VALUES ('core', 'epoch', '"1.a"');`,
  ],
];

describe('the SQLite storage of an earlier version', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'banyan-migration-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  function write(version: number, sql: string): void {
    const database = new Database(join(folder, 'banyan.sqlite'));
    database.exec(sql);
    database.pragma(`user_version = ${version}`);
    database.close();
  }

  for (const [version, sql] of written) {
    it(`opens what version ${version} left, with everything in it, and twice`, async () => {
      write(version, sql);
      for (const round of [1, 2]) {
        const storage = await open(folder);
        const [record] = await storage.read(log, { limit: 10, take: 'first' });
        expect(record?.content, `round ${round}`).to.have.nested.property('text.plain', 'old');
        expect(await storage.lastPosition(log)).to.deep.equal({ epoch: '1.a', number: 1, chain: 'c' });
        expect(await storage.account('ann')).to.include({ nick: 'Ann', administrator: true });
        expect(await storage.get('core', 'epoch')).to.equal('1.a');
        await storage.close();
      }
    });
  }

  it('ends at the newest version, the same as a new database has', async () => {
    const schema = (file: string): unknown => {
      const database = new Database(join(file, 'banyan.sqlite'), { readonly: true });
      const all = database.prepare("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name").all() as {
        sql: string;
      }[];
      const version: unknown = database.pragma('user_version', { simple: true });
      database.close();
      return { version, all: all.map((one) => ({ ...one, sql: one.sql.replace(/\s+/g, ' ') })) };
    };
    const [version, sql] = written.at(-1)!;
    write(version, sql);
    await (await open(folder)).close();
    const fresh = mkdtempSync(join(tmpdir(), 'banyan-migration-'));
    try {
      await (await open(fresh)).close();
      expect(schema(folder)).to.deep.equal(schema(fresh));
      expect(written.map(([number]) => number).at(-1), 'every version has its database above').to.equal(
        (schema(fresh) as { version: number }).version,
      );
    } finally {
      rmSync(fresh, { recursive: true });
    }
  });

  it('does not touch what a newer version wrote, and says so', async () => {
    write(1_000, 'CREATE TABLE future (x)');
    const failed: unknown = await open(folder).catch((error: unknown) => error);
    expect(failed).to.be.instanceOf(StorageError);
    expect((failed as Error).message).to.match(/newer version of this server \(schema 1000/);
    const database = new Database(join(folder, 'banyan.sqlite'), { readonly: true });
    expect(database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get()).to.deep.equal({ tables: 1 });
    database.close();
  });
});
