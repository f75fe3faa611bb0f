import { nextRecord, origin, positionOf } from '../../../server/log/record.ts';
import { parseDomain, roomAddress, userAddress } from '../../../server/model/address.ts';
import { roomLog, type LogRecord } from '../../../server/model/event.ts';
import { mintEventId } from '../../../server/model/ids.ts';
import { plainText } from '../../../server/model/text.ts';

const domain = parseDomain('chat.example');
const garden = roomLog(roomAddress(domain, 'garden'));

/** `count` records that follow `last`. */
export function records(count: number, last = origin, log = garden, epoch = '1.a'): LogRecord[] {
  const made: LogRecord[] = [];
  let before = last;
  for (let i = 0; i < count; i++) {
    const author = { address: userAddress(domain, 'ann'), nick: 'ann' };
    const content = { kind: 'message', author, text: plainText(`text ${before.number + 1} ünï 🌳`), style: 'normal' } as const;
    const record = nextRecord(before, { log, epoch, id: mintEventId(1_700_000_000_000), origin: domain, born: 1, logged: 2, content });
    made.push(record);
    before = positionOf(record);
  }
  return made;
}
