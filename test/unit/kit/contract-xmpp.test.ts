/** Federation with XMPP servers keeps the contract of remote members. */
import { contract } from '../../kit/index.ts';
import { xmppFederation } from './adapters.ts';

contract('xmpp', xmppFederation);
