import { expect } from 'chai';
import pino from 'pino';
import { readdirSync } from 'node:fs';
import type { RoomAddress } from '../../server/model/address.ts';
import { roomLog } from '../../server/model/event.ts';
import { openSqliteStorage } from '../../storage/sqlite/index.ts';
import { removeFolder, temporaryFolder } from '../support/root.ts';
import { guest, quiet, refusalOf, testCore, text, value } from '../unit/core/support.ts';

/** What has been tried on databases and file systems. */
const odd = [
  "'; DROP TABLE accounts; --",
  '" OR ""="',
  '%',
  '_',
  'a%',
  'a_b',
  'a\0b',
  '../../etc/passwd',
  '..',
  '/',
  '\\',
  '\ud800',
  'a\udfff',
  '\u202egnp.exe',
  '__proto__',
  'constructor',
  'ᴀ',
  'x'.repeat(5_000),
];

describe('A16 SQL and paths', () => {
  let folder: string;
  beforeEach(async () => (folder = await temporaryFolder('names')));
  afterEach(() => removeFolder(folder));

  it('names of accounts and rooms are refused, or are themselves and nothing else, over a restart too', async () => {
    const open = () => openSqliteStorage({ folder, log: pino({ level: 'silent' }) });
    let storage = await open();
    const { core } = await testCore({ storage });
    value(await core.accounts.add('honest', 'a long password', false));
    const taken: string[] = ['honest'];
    for (const name of odd) {
      const added = await core.accounts.add(name, 'a long password', false);
      if (added.ok) taken.push(added.value.name);
      else expect(refusalOf(added), JSON.stringify(name)).to.be.oneOf(['bad-name', 'name-taken']);
      expect(await core.accounts.get(`${name}x`), JSON.stringify(name)).to.equal(undefined);
    }
    const ann = guest(core, 'ann');
    const rooms = new Map<RoomAddress, string>();
    for (const name of odd) {
      const joined = await core.rooms.join(ann.session.user, name);
      if (!joined.ok) continue;
      value(await core.rooms.say(ann.session.user, joined.value.room, text(`in ${joined.value.room.name}`)));
      rooms.set(joined.value.room.address, joined.value.room.name);
    }
    await quiet();
    expect(core.rooms.byName('loung_')).to.equal(undefined);
    expect(core.rooms.byName('%')?.name ?? '%').to.equal('%');
    await core.close('done');
    await storage.close();

    storage = await open();
    expect((await storage.accounts()).map(({ name }) => name).toSorted()).to.deep.equal(taken.toSorted());
    for (const [address, name] of rooms) {
      const [record] = await storage.read(roomLog(address), { limit: 1, take: 'last' });
      if (record?.content.kind === 'message') expect(record.content.text.plain).to.equal(`in ${name}`);
    }
    await storage.close();
    expect(
      readdirSync(folder).filter((name) => !/^(?:banyan\.sqlite(?:-\w+)?|journal-\d{8})$/.test(name)),
      'no name became a path',
    ).to.deep.equal([]);
  });

  it('wildcards in tokens, ids and cursors find nothing', async () => {
    const storage = await openSqliteStorage({ folder, log: pino({ level: 'silent' }) });
    const { core } = await testCore({ storage });
    value(await core.accounts.add('ann', 'a long password', false));
    value(await core.accounts.add('annabel', 'a long password', false));
    const token = await core.accounts.issueToken('annabel');
    value(await core.accounts.verifyToken(token));
    for (const guess of ['%', `${token.slice(0, -1)}_`, token.replace(/\..*/, '.%'), `${token}\0`, '', '.', "' OR 1=1 --"])
      expect(refusalOf(await core.accounts.verifyToken(guess)), guess).to.equal('bad-credentials');
    // The keys of one account's tokens are no prefix of another's.
    value(await core.accounts.setPassword('ann', 'another password'));
    value(await core.accounts.verifyToken(token));
    await core.close('done');
    await storage.close();
  });
});
