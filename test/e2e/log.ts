import { expect } from 'chai';
import { createHash } from 'node:crypto';
import { pino } from 'pino';
import { parseDomain, roomAddress } from '../../server/model/address.ts';
import { roomLog, type LogRecord } from '../../server/model/event.ts';
import { openSqliteStorage } from '../../storage/sqlite/index.ts';
import type { Banyan } from '../support/banyan.ts';

/** The log of a room of a stopped server, read from its data folder and verified. */
export async function roomRecords(banyan: Banyan, room: string): Promise<readonly LogRecord[]> {
  const storage = await openSqliteStorage({ folder: banyan.dataFolder, log: pino({ level: 'silent' }) });
  try {
    const log = roomLog(roomAddress(parseDomain(banyan.domain), room));
    const records: LogRecord[] = [];
    for (;;) {
      const more = await storage.read(log, { after: records.length, limit: 1_000, take: 'first' });
      if (more.length === 0) break;
      records.push(...more);
    }
    verifyRecords(records);
    return records;
  } finally {
    await storage.close();
  }
}

/** Numbers run from 1 without a gap or a repeat, ids are unique, epochs only advance, and each record names its predecessor. */
function verifyRecords(records: readonly LogRecord[]): void {
  let chain = '';
  let counter = 0;
  const ids = new Set<string>();
  for (const [index, record] of records.entries()) {
    expect(record.number, 'number').to.equal(index + 1);
    expect(ids.has(record.id), `id ${record.id} twice`).to.equal(false);
    ids.add(record.id);
    const epoch = Number.parseInt(record.epoch, 10);
    expect(epoch, `epoch of number ${record.number}`).to.be.at.least(counter);
    counter = epoch;
    const digest = createHash('sha256')
      .update(record.salt + JSON.stringify(record.content))
      .digest('base64url');
    expect(record.digest, `digest of number ${record.number}`).to.equal(digest);
    const header = [record.log, record.epoch, record.number, record.id, record.origin, record.born, record.logged, record.content.kind];
    chain = createHash('sha256')
      .update([chain, ...header, digest].join('\n'))
      .digest('base64url');
    expect(record.chain, `chain at number ${record.number}`).to.equal(chain);
  }
}
