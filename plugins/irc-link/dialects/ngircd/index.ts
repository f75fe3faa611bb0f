/** ngIRCd: the protocol of RFC 2813 with the extensions that it calls IRC+. People are known by their nicks, and nothing has a time. */
import type { Dialect } from '../../dialect.ts';
import { NgircdHandshake } from './handshake.ts';

export const ngircd: Dialect = {
  name: 'ngircd',
  serverId: null,
  recognises: (first) => first.command === 'PASS',
  handshake: (side, us, now) => new NgircdHandshake(side, us, now),
  // For the model alone: a word that no nick can be, so that nobody on the wire can mean it.
  userId: (_, n) => `!us-${n}`,
};
