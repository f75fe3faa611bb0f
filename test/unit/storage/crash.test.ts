import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import pino from 'pino';
import { parseDomain, roomAddress } from '../../../server/model/address.ts';
import { roomLog } from '../../../server/model/event.ts';
import { StorageError, type Storage } from '../../../server/storage.ts';
import { openSqliteStorage } from '../../../storage/sqlite/index.ts';
import { encodeFrame } from '../../../storage/sqlite/journal.ts';
import { records } from './records.ts';

const log = roomLog(roomAddress(parseDomain('chat.example'), 'garden'));
const open = (folder: string): Promise<Storage> => openSqliteStorage({ folder, log: pino({ level: 'silent' }) });

/** Appends in a process of its own until it is killed; answers the last acknowledged number. */
function appendAndKill(folder: string, milliseconds: number): Promise<number> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./appender.js', import.meta.url)), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  return new Promise((resolve) => {
    child.stdout.on('data', (text: Buffer) => {
      if (printed === '') setTimeout(() => child.kill('SIGKILL'), milliseconds);
      printed += text.toString();
    });
    child.on('close', () => resolve(Number(printed.trimEnd().split('\n').at(-1))));
  });
}

describe('the SQLite storage after kill -9', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'banyan-crash-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('misses nothing that was acknowledged and uses no number twice, round after round', async () => {
    for (let round = 0; round < 5; round++) {
      const milliseconds = randomInt(1, 300);
      const acknowledged = await appendAndKill(folder, milliseconds);
      const storage = await open(folder);
      const last = await storage.lastPosition(log);
      expect(last.number, `killed after ${milliseconds} ms`).to.be.at.least(acknowledged);
      let number = 0;
      for (;;) {
        const page = await storage.read(log, { after: number, limit: 1000, take: 'first' });
        if (page.length === 0) break;
        for (const record of page) expect(record.number).to.equal(++number);
      }
      expect(number).to.equal(last.number);
      await storage.close();
    }
  }).timeout(60_000);

  it('cuts off a torn end', async () => {
    let storage = await open(folder);
    await storage.append(records(3));
    await storage.close();
    const file = readdirSync(folder).find((name) => name.startsWith('journal-'))!;
    appendFileSync(join(folder, file), Buffer.from([200, 0, 0, 0, 1, 2, 3, 4, 91]));
    storage = await open(folder);
    expect(await storage.read(log, { limit: 10, take: 'first' })).to.have.lengthOf(3);
    await storage.append(records(1, await storage.lastPosition(log)));
    await storage.close();
    storage = await open(folder);
    expect(await storage.read(log, { limit: 10, take: 'first' })).to.have.lengthOf(4);
    await storage.close();
  });

  it('does not open a journal with a hole, says where it is, and changes nothing', async () => {
    let storage = await open(folder);
    await storage.append(records(3));
    const before = await storage.lastPosition(log);
    await storage.close();
    const file = join(
      folder,
      readdirSync(folder).find((name) => name.startsWith('journal-'))!,
    );
    const more = records(3, before);
    const frames = more.map((record) => encodeFrame([record]));
    frames[1]![20]! ^= 1;
    appendFileSync(file, Buffer.concat(frames));
    const damaged = readFileSync(file);
    const failed = await open(folder).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failed).to.be.instanceOf(StorageError);
    expect((failed as Error).message)
      .to.include(`the journal ${file} is damaged at byte`)
      .and.include('restore a copy');
    expect(readFileSync(file).equals(damaged)).to.equal(true);
    // With the hole mended (a copy restored), everything is there.
    frames[1]![20]! ^= 1;
    writeFileSync(file, Buffer.concat([damaged.subarray(0, damaged.length - Buffer.concat(frames).length), ...frames]));
    storage = await open(folder);
    expect(await storage.read(log, { limit: 10, take: 'first' })).to.deep.equal([
      ...(await storage.read(log, { limit: 3, take: 'first' })),
      ...more,
    ]);
    await storage.close();
  });

  it('refuses a second server on the same folder, in words', async () => {
    const storage = await open(folder);
    const failed = await open(folder).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failed).to.be.instanceOf(StorageError);
    expect((failed as Error).message)
      .to.include(folder)
      .and.include('another running server');
    await storage.close();
  });
});
