import { contract } from '../../kit/index.ts';
import { openMuc } from './muc-side.ts';

/** What is said while the room cannot be reached is refused, and its people go when that is noticed. */
contract('a room of another XMPP server', { kind: 'foreign-home', cannotCarry: ['split', 'catch-up'], open: openMuc });
