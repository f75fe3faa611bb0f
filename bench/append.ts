/** What is said becomes a record, and durable: hashing, the journal, and the database that takes it in. */
import { pino } from 'pino';
import { nextRecord, origin, positionOf } from '../server/log/record.ts';
import { mintEventId } from '../server/model/ids.ts';
import { decodeFrame, encodeFrame } from '../storage/sqlite/journal.ts';
import { openSqliteStorage } from '../storage/sqlite/index.ts';
import { removeFolder, temporaryFolder } from '../test/support/root.ts';
import { records } from '../test/unit/storage/records.ts';
import { cpuSince, repeat, type Group, type Row } from './measure.ts';

/** Records that are appended for each second that a measurement is to last: more than that it does not take. */
const recordsASecond = 50_000;

export const append: Group = async function* ({ seconds }) {
  const [first, ...more] = records(100);
  const { log, epoch, content, origin: from } = first!;
  let last = origin;
  yield await repeat('log: make a record', 'record', seconds, () => {
    const record = nextRecord(last, { log, epoch, id: mintEventId(1_700_000_000_000), origin: from, born: 1, logged: 2, content });
    last = positionOf(record);
    return record;
  });
  yield perRecord(await repeat('journal: encode a frame of 100 records', 'record', seconds, () => encodeFrame([first!, ...more])), 100);
  const frame = encodeFrame([first!, ...more]);
  yield perRecord(await repeat('journal: decode a frame of 100 records', 'record', seconds, () => decodeFrame(frame, 0)), 100);
  for (const each of [1, 10, 100]) yield await throughSqlite(each, Math.max(100, seconds * recordsASecond));
};

function perRecord(row: Row, count: number): Row {
  return {
    ...row,
    cpu: row.cpu / count,
    perSecond: row.perSecond * count,
    ...(row.bytes === undefined ? {} : { bytes: { ...row.bytes, count: row.bytes.count / count } }),
  };
}

/** All is counted until the database has taken in the last one. */
async function throughSqlite(each: number, count: number): Promise<Row> {
  const folder = await temporaryFolder('bench');
  const storage = await openSqliteStorage({ folder, log: pino({ level: 'silent' }) });
  try {
    const all = records(count);
    const batches = Array.from({ length: count / each }, (_, index) => all.slice(index * each, (index + 1) * each));
    const written = batches.reduce((sum, batch) => sum + encodeFrame(batch).length, 0);
    const cpu = process.cpuUsage();
    const begun = performance.now();
    for (const batch of batches) await storage.append(batch);
    const last = all.at(-1)!;
    if ((await storage.find(last.log, last.id))?.number !== count) throw new Error('the storage has lost records');
    const used = cpuSince(cpu);
    const took = (performance.now() - begun) / 1000;
    return {
      what: `SQLite: append records, ${each} at once`,
      unit: 'record',
      cpu: used / count,
      perSecond: count / took,
      bytes: { count: written / count, of: 'written' },
    };
  } finally {
    await storage.close();
    await removeFolder(folder);
  }
}
