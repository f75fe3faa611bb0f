/**
 * Run as a process of its own by full.test.ts, with a limit on the size of files as the full disk: appends until the storage
 * refuses, goes on for a while, has the limit lifted, and prints what it saw.
 */
import { spawnSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import pino from 'pino';
import { positionOf } from '../../../server/log/record.ts';
import { parseDomain, roomAddress } from '../../../server/model/address.ts';
import { roomLog } from '../../../server/model/event.ts';
import { StorageError } from '../../../server/storage.ts';
import { openSqliteStorage } from '../../../storage/sqlite/index.ts';
import { records } from './records.ts';

const storage = await openSqliteStorage({
  folder: process.argv[2]!,
  log: pino({ level: 'info' }, pino.destination({ dest: 2, sync: true })),
  segmentBytes: 40_000,
});
const log = roomLog(roomAddress(parseDomain('chat.example'), 'garden'));

/** Appends one batch after the last that was taken; whether it was. */
async function append(): Promise<boolean> {
  const made = records(20, last);
  try {
    await storage.append(made);
    last = positionOf(made.at(-1)!);
    return true;
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return false;
  }
}

const tried = async (what: () => Promise<unknown>): Promise<string> => {
  try {
    await what();
    return 'done';
  } catch (error) {
    return error instanceof StorageError ? error.message : `not a StorageError: ${String(error)}`;
  }
};

let last = await storage.lastPosition(log);
let refused = 0;
for (let batch = 0; batch < 2_000 && refused < 20; batch++) {
  if (!(await append())) refused++;
  if (batch % 5 === 0) await tried(() => storage.set('a', String(batch), 'x'.repeat(2_000)));
}
// The journal is taken in by itself once a second.
await new Promise((resolve) => setTimeout(resolve, 2_000));
const full = { taken: last.number, refused, read: await tried(() => storage.read(log, { limit: 1, take: 'last' })) };
spawnSync('prlimit', ['--pid', String(process.pid), '--fsize=unlimited']);
const again = await append();
const read = await storage.read(log, { limit: 100_000, take: 'first' });
await storage.close();
const inOrder = read.every(({ number }, index) => number === index + 1);
writeSync(1, JSON.stringify({ full, again, read: read.length, inOrder, last: last.number }));
