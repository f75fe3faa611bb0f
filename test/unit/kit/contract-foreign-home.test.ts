/** The suite for foreign homes can be passed: by a room whose home is a Parley server that says again what it accepts. */
import { decode, encode } from '../../../templates/bridge/src/codec.ts';
import { openParley } from '../../../templates/bridge/test/parley-side.ts';
import { contract, type ForeignHome, type KitServer, type Peer } from '../../kit/index.ts';
import foreignHome from './foreign-home.ts';

async function open(server: KitServer): Promise<ForeignHome> {
  let holding = false;
  const held: (() => void)[] = [];
  const attachment = await openParley(server, foreignHome, (text: string, peer: Peer) => {
    const line = decode(text);
    if (line?.verb !== 'say') return;
    const accept = (): void => peer.send(Buffer.from(encode(line)));
    if (holding) held.push(accept);
    else accept();
  });
  return Object.assign(attachment, {
    holds() {
      holding = true;
    },
    accepts() {
      holding = false;
      for (const accept of held.splice(0)) accept();
    },
  });
}

contract('a home at Parley', { kind: 'foreign-home', cannotCarry: ['catch-up'], open });
