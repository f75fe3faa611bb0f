/** Run as a process of its own by crash.test.ts: appends for ever and prints each number that is acknowledged. */
import { writeSync } from 'node:fs';
import pino from 'pino';
import { origin, positionOf } from '../../../server/log/record.ts';
import { roomLog } from '../../../server/model/event.ts';
import { openSqliteStorage } from '../../../storage/sqlite/index.ts';
import { parseDomain, roomAddress } from '../../../server/model/address.ts';
import { records } from './records.ts';

const storage = await openSqliteStorage({ folder: process.argv[2]!, log: pino({ level: 'silent' }), segmentBytes: 50_000 });
const log = roomLog(roomAddress(parseDomain('chat.example'), 'garden'));
let last = await storage.lastPosition(log);
if (last.number === 0) last = origin;
for (;;) {
  const made = records(1 + (last.number % 7), last);
  await storage.append(made);
  last = positionOf(made.at(-1)!);
  writeSync(1, `${last.number}\n`);
  if (last.number % 50 === 0) await storage.set('a', 'b', last.number);
}
