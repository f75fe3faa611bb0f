import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import pino from 'pino';
import { parseDomain, roomAddress } from '../../../server/model/address.ts';
import { roomLog } from '../../../server/model/event.ts';
import { origin, positionOf } from '../../../server/log/record.ts';
import { OvertakenError, StorageError, type Storage, type StoredAccount } from '../../../server/storage.ts';
import { openMemoryStorage } from '../../../storage/memory/index.ts';
import { openSqliteStorage } from '../../../storage/sqlite/index.ts';
import { records } from './records.ts';

const domain = parseDomain('chat.example');
const garden = roomLog(roomAddress(domain, 'garden'));
const cellar = roomLog(roomAddress(domain, 'cellar'));

const account: StoredAccount = {
  name: 'alice',
  created: 1,
  administrator: false,
  nick: 'Alice',
  scram: {} as StoredAccount['scram'],
  rooms: [],
};

const drivers: Record<string, () => Promise<{ storage: Storage; again?: () => Promise<Storage>; clean: () => void }>> = {
  memory: () => Promise.resolve({ storage: openMemoryStorage(), clean: () => undefined }),
  sqlite: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'banyan-storage-'));
    const open = (): Promise<Storage> => openSqliteStorage({ folder, log: pino({ level: 'silent' }), segmentBytes: 20_000 });
    return { storage: await open(), again: open, clean: () => rmSync(folder, { recursive: true }) };
  },
};

for (const [name, make] of Object.entries(drivers)) {
  describe(`storage contract: ${name}`, () => {
    let storage: Storage;
    let again: (() => Promise<Storage>) | undefined;
    let clean: () => void;
    beforeEach(async () => {
      ({ storage, again, clean } = await make());
    });
    afterEach(async () => {
      await storage.close();
      clean();
    });

    it('keeps records in order and answers ranges', async () => {
      const made = records(50);
      await storage.append(made.slice(0, 20));
      await storage.append(made.slice(20));
      expect(await storage.read(garden, { limit: 100, take: 'first' })).to.deep.equal(made);
      expect(await storage.read(garden, { after: 10, limit: 5, take: 'first' })).to.deep.equal(made.slice(10, 15));
      expect(await storage.read(garden, { before: 41, limit: 5, take: 'last' })).to.deep.equal(made.slice(35, 40));
      expect(await storage.read(garden, { after: 45, before: 48, limit: 100, take: 'last' })).to.deep.equal(made.slice(45, 47));
      expect(await storage.read(cellar, { limit: 100, take: 'first' })).to.deep.equal([]);
      expect(await storage.read(garden, { after: 60, limit: 3, take: 'first' })).to.deep.equal([]);
      expect(await storage.find(garden, made[7]!.id)).to.deep.equal(made[7]);
      expect(await storage.find(cellar, made[7]!.id)).to.equal(undefined);
      expect(await storage.lastPosition(garden)).to.deep.equal(positionOf(made[49]!));
      expect(await storage.lastPosition(cellar)).to.deep.equal(origin);
    });

    it('refuses a gap, a repeated number and a batch that is wrong in part', async () => {
      const made = records(5);
      await storage.append(made.slice(0, 2));
      for (const wrong of [[made[0]!], [made[3]!], [made[2]!, made[4]!], [made[2]!, made[2]!]]) {
        const failed = await storage.append(wrong).then(
          () => undefined,
          (error: unknown) => error,
        );
        expect(failed).to.be.instanceOf(OvertakenError);
      }
      expect(await storage.read(garden, { limit: 10, take: 'first' })).to.have.lengthOf(2);
      await storage.append(made.slice(2));
    });

    it('forgets a room with its log, whose name may then begin with any number', async () => {
      const made = records(300);
      await storage.append(made);
      const other = records(3, origin, cellar);
      await storage.append(other);
      await storage.removeRoom(roomAddress(domain, 'garden'));
      expect(await storage.lastPosition(garden)).to.deep.equal(origin);
      expect(await storage.read(garden, { limit: 10, take: 'last' })).to.deep.equal([]);
      expect(await storage.find(garden, made[7]!.id)).to.equal(undefined);
      const later = records(4, { ...origin, number: 1_000 });
      await storage.append(later);
      expect(await storage.read(garden, { limit: 10, take: 'first' })).to.deep.equal(later);
      expect(await storage.read(garden, { after: 1_001, before: 1_004, limit: 10, take: 'last' })).to.deep.equal(later.slice(1, 3));
      expect(await storage.read(cellar, { limit: 10, take: 'first' })).to.deep.equal(other);
      if (again === undefined) return;
      await storage.close();
      storage = await again();
      expect(await storage.allPositions()).to.have.deep.members([
        [garden, positionOf(later[3]!)],
        [cellar, positionOf(other[2]!)],
      ]);
      expect(await storage.read(garden, { limit: 10, take: 'first' })).to.deep.equal(later);
    });

    it('keeps accounts, rooms and keys', async () => {
      expect(await storage.addAccount(account)).to.equal(true);
      expect(await storage.addAccount(account)).to.equal(false);
      expect(await storage.saveAccount({ ...account, nick: 'Al' })).to.equal(true);
      expect((await storage.account('alice'))?.nick).to.equal('Al');
      expect(await storage.removeAccount('alice')).to.equal(true);
      expect(await storage.saveAccount(account)).to.equal(false);
      expect(await storage.accounts()).to.deep.equal([]);
      const room = {
        address: roomAddress(domain, 'garden'),
        created: 1,
        config: {} as never,
        topic: { text: 't', by: '', at: 1 },
        affiliations: [],
        bans: [],
        first: 1,
        since: [],
        applied: 3,
      };
      await storage.saveRoom(room);
      expect(await storage.rooms()).to.deep.equal([room]);
      await storage.removeRoom(room.address);
      expect(await storage.rooms()).to.deep.equal([]);
      await storage.set('a', 'k1', { x: [1] });
      await storage.set('a', 'k2', 'two');
      await storage.set('b', 'k1', null);
      expect(await storage.get('a', 'k1')).to.deep.equal({ x: [1] });
      expect(await storage.entries('a', 'k')).to.deep.equal([
        ['k1', { x: [1] }],
        ['k2', 'two'],
      ]);
      await storage.delete('a', 'k1');
      expect(await storage.get('a', 'k1')).to.equal(undefined);
      expect(await storage.get('b', 'k1')).to.equal(null);
    });

    it('A16 SQL and paths: names are data', async () => {
      for (const name of ["'; DROP TABLE keys; --", '%', '_', 'a%', 'a\0b', '../../etc/passwd', '"', '\\']) {
        await storage.set('odd', name, name);
        expect(await storage.get('odd', name), JSON.stringify(name)).to.equal(name);
      }
      expect((await storage.entries('odd', '%')).map(([key]) => key)).to.deep.equal(['%']);
      expect((await storage.entries('odd', '_')).map(([key]) => key)).to.deep.equal(['_']);
      const prefixes = { '': 8, a: 2, 'a\0': 1, '\\': 1, '..': 1, "'; DROP": 1, '\u{10ffff}': 0 };
      for (const [prefix, count] of Object.entries(prefixes))
        expect(await storage.entries('odd', prefix), JSON.stringify(prefix)).to.have.length(count);
      for (const end of ['\ud7ff', '\uffff', '\u{10ffff}']) await storage.set('end', `x${end}y`, end);
      for (const end of ['\ud7ff', '\uffff', '\u{10ffff}'])
        expect((await storage.entries('end', `x${end}`)).map(([, value]) => value)).to.deep.equal([end]);
      // Half a surrogate pair would become the same character as another half.
      for (const half of ['\ud800', 'a\udfff']) {
        const refused = await storage.set('odd', half, 1).then(
          () => undefined,
          (error: unknown) => error,
        );
        expect(refused).to.be.instanceOf(StorageError);
      }
      expect(await storage.find(garden, '\ud800')).to.equal(undefined);
      await storage.delete('odd', '%');
      expect(await storage.get('odd', 'a%')).to.equal('a%');
      expect(await storage.find(garden, "' OR 1=1 --")).to.equal(undefined);
    });

    it('finds everything again after it was closed', async function () {
      if (again === undefined) return;
      const made = records(300);
      for (let i = 0; i < made.length; i += 3) await storage.append(made.slice(i, i + 3));
      await storage.append(records(3, origin, cellar));
      await storage.addAccount(account);
      await storage.close();
      storage = await again();
      expect(await storage.read(garden, { limit: 1000, take: 'first' })).to.deep.equal(made);
      expect(new Map(await storage.allPositions()).get(cellar)?.number).to.equal(3);
      expect(await storage.account('alice')).to.deep.equal(account);
      await storage.append(records(1, positionOf(made[299]!)));
      expect(await storage.read(garden, { after: 300, limit: 10, take: 'first' })).to.have.lengthOf(1);
    });
  });
}
