/** A neighbour in the tree that lies, in ways that chance (test/sim/hostile.ts) would hardly find. */
import { expect } from 'chai';
import { generateKeyPairSync } from 'node:crypto';
import { parseDomain, roomAddress } from '../../server/model/address.ts';
import type { LinkState, NodeName, TreeMessage, Unicast } from '../../server/tree/message.ts';
import { TreeNode } from '../../server/tree/node.ts';
import { defaultLimits, type TreeOutput } from '../../server/tree/port.ts';
import { ed25519Seals, type Seals } from '../../server/tree/seal.ts';

const here = parseDomain('here.example');
const liar = parseDomain('liar.example');
const third = parseDomain('third.example');
const room = roomAddress(third, 'lounge');

function seals(): Seals {
  const { privateKey } = generateKeyPairSync('ed25519');
  return ed25519Seals(privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64url'));
}

const keys = { here: seals(), liar: seals(), third: seals() };

/** A node with one neighbour, of which the configuration has the key. */
function linked(): { readonly node: TreeNode; readonly say: (message: TreeMessage) => readonly TreeOutput[] } {
  let tokens = 0;
  const node = new TreeNode(
    {
      ...{ name: here, seals: keys.here, incarnation: 1, limits: { ...defaultLimits, messageRate: 10, messageBurst: 100 } },
      keys: [
        [liar, keys.liar.key],
        [third, keys.third.key],
      ],
      random: () => String((tokens += 1)),
      homeOf: () => third,
      speaksFor: (of, origin) => of === origin,
      admits: () => true,
    },
    0,
  );
  node.linkUp(liar, 1, 0);
  node.take();
  return {
    node,
    say: (message) => {
      node.receive(liar, message, 0);
      node.flush(0);
      return node.take();
    },
  };
}

function linkState(of: NodeName, by: Seals, sequence: number, links: readonly NodeName[]): LinkState {
  const state = { node: of, key: by.key, incarnation: 5, sequence, links: links.map((to) => ({ to, cost: 1 })) };
  return { ...state, signature: by.sign('link state', state) };
}

const kinds = (outputs: readonly TreeOutput[]): string[] => outputs.map(({ kind }) => kind);

describe('A8 a node that is not who it says', () => {
  it('cannot bring another key for a node that is known: it is refused and shown, the known one stays', () => {
    const { say } = linked();
    const outputs = say({ kind: 'link-states', states: [linkState(third, keys.liar, 1, [liar])] });
    expect(kinds(outputs)).to.deep.equal(['alarm']);
    const [alarm] = outputs;
    expect(alarm?.kind === 'alarm' && alarm.text).to.include(third);
  });

  it('cannot sign for another: its link ends', () => {
    const { say } = linked();
    const forged = { ...linkState(third, keys.third, 1, []), links: [{ to: liar, cost: 1 }] };
    expect(kinds(say({ kind: 'link-states', states: [forged] }))).to.deep.equal(['disconnect']);
  });
});

describe('A9 a node that lies', () => {
  it('about a link of others is not believed: both ends have to report it', () => {
    const { node, say } = linked();
    say({ kind: 'link-states', states: [linkState(liar, keys.liar, 1, [here, third])] });
    node.setMembers(room, [{ address: 'banyan://here.example/~ada' as never, nick: 'ada', visit: 1 }]);
    node.flush(0);
    expect(kinds(node.take()), 'no way to the home, so nothing is said').to.deep.equal([]);
    say({ kind: 'link-states', states: [linkState(third, keys.third, 1, [liar])] });
    node.flush(0);
    node.tick(0);
    node.flush(0);
    const sent = node.take().filter((output) => output.kind === 'send' && output.message.kind === 'unicast');
    expect(sent).to.have.length(1);
  });

  it('gets no room without a grant of its home, nor with one that it made or that has run out', () => {
    const { say } = linked();
    const grantOf = (by: Seals, expires: number) => {
      const grant = { room, node: liar, lowest: 1, expires, by: third };
      return { ...grant, signature: by.sign('grant', grant) };
    };
    for (const grant of [grantOf(keys.liar, 1e12), grantOf(keys.third, 0)]) {
      const outputs = say({ kind: 'subscribe', room, serial: 1, lineage: [], roster: '', grant, standIns: null });
      const refused = outputs.find((output) => output.kind === 'send');
      expect(refused?.message.kind).to.equal('refused');
    }
  });

  it('cannot answer or submit for another: what is not signed by its sender does nothing', () => {
    const { node, say } = linked();
    node.follow(room, undefined, 0);
    node.take();
    const grant = { room, node: here, lowest: 1, expires: 1e12, by: third };
    const payload: Unicast = { kind: 'grant', grant: { ...grant, signature: keys.third.sign('grant', grant) }, standIns: null };
    const body = { from: third, to: here, payload };
    const forged = { kind: 'unicast', ...body, hops: 0, signature: keys.liar.sign('unicast', body) } as const;
    expect(kinds(say(forged))).to.deep.equal([]);
    expect(kinds(say({ ...forged, signature: keys.third.sign('unicast', body) }))).to.include('grant');
  });

  it('cannot make itself a stand-in', () => {
    const { node, say } = linked();
    node.follow(room, undefined, 0);
    const standIns = { room, version: 9, nodes: [liar] };
    const grant = { room, node: liar, lowest: 1, expires: 1e12, by: third };
    say({
      ...{ kind: 'subscribe', room, serial: 1, lineage: [], roster: '' },
      grant: { ...grant, signature: keys.third.sign('grant', grant) },
      standIns: { ...standIns, signature: keys.liar.sign('stand-ins', standIns) },
    });
    expect(node.room(room)?.standIns).to.equal(undefined);
  });
});

describe('A18 a node that floods', () => {
  it('is cut off, and nothing that it says is read any more', () => {
    const { say } = linked();
    const seen: string[] = [];
    for (let count = 0; count < 1_000; count++) seen.push(...kinds(say({ kind: 'unsubscribe', room, serial: count })));
    expect(seen).to.deep.equal(['disconnect']);
  });

  it('with link states is cut off as well, however many it puts into a message', () => {
    const { say } = linked();
    const state = linkState(liar, keys.liar, 1, [here]);
    expect(kinds(say({ kind: 'link-states', states: Array.from({ length: 1_000 }, () => state) }))).to.deep.equal(['disconnect']);
  });
});

describe('A21 link states of the past', () => {
  it('do not replace newer ones, whatever they say: the newer one is sent back', () => {
    const { say } = linked();
    const newer = linkState(liar, keys.liar, 7, [here]);
    say({ kind: 'link-states', states: [newer] });
    const [answer] = say({ kind: 'link-states', states: [linkState(liar, keys.liar, 6, [])] });
    expect(answer).to.deep.equal({ kind: 'send', to: liar, message: { kind: 'link-states', states: [newer] } });
  });
});
