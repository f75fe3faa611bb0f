/** InspIRCd 3 and 4: spanning tree protocol 1205, which version 4 speaks too with who asks for it. */
import type { Dialect } from '../../dialect.ts';
import { InspircdHandshake } from './handshake.ts';

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const digits = `${letters}0123456789`;

/** The part of a user id behind the server's id: a letter, then five letters or digits. */
function userNumber(n: number): string {
  let rest = n;
  let text = '';
  for (let i = 0; i < 5; i++) {
    text = digits[rest % digits.length]! + text;
    rest = Math.floor(rest / digits.length);
  }
  return letters[rest % letters.length]! + text;
}

export const inspircd: Dialect = {
  name: 'inspircd',
  serverId: /^[0-9][0-9A-Z]{2}$/,
  recognises: (first) => first.command === 'CAPAB',
  handshake: (side, us, now) => new InspircdHandshake(side, us, now),
  userId: (serverId, n) => serverId + userNumber(n),
};
