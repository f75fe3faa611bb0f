import { expect } from 'chai';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { definePlugin } from '../../../server/plugin.ts';
import { runCase, type Target } from '../../fuzz/cases.ts';
import { lines, stepsOf } from '../../fuzz/conversations.ts';
import { minimise, mutate, size, type Step } from '../../fuzz/mutate.ts';
import { targets } from '../../fuzz/targets.ts';
import { seeded } from '../../support/random.ts';
import { repository } from '../../support/root.ts';

const found = join(repository, 'test', 'fixtures', 'fuzz');

/** A plugin that fails on any line that begins with a digit. */
const faulty: Target = {
  name: 'faulty',
  material: () => Promise.resolve({ conversations: [lines(['hello', 'count 1 2 3', 'goodbye'])], words: [] }),
  async open(server) {
    await server.start(
      definePlugin({
        name: 'faulty',
        version: '1',
        config: z.strictObject({}),
        enabledByDefault: false,
        async start(host) {
          await host.net.listen({ name: 'faulty', address: '127.0.0.1:7' }, (connection) =>
            connection.handle({
              onData(bytes) {
                if (/^\d/m.test(bytes.toString())) throw new Error('a digit');
              },
              onClose: () => undefined,
            }),
          );
          return { stop: () => Promise.resolve(), status: () => ({ summary: '', links: [] }) };
        },
      }),
    );
    const peer = server.connect('faulty', { lineEnd: '' });
    return { say: (bytes) => peer.send(bytes) };
  },
};

describe('the fuzzer', () => {
  it('makes the same conversation from the same seed', async () => {
    const material = await targets[0]!.material();
    const text = (steps: readonly Step[]): string => steps.map(({ after, bytes }) => `${after} ${bytes.toString('hex')}`).join('\n');
    const made = Array.from({ length: 30 }, (_, seed) => text(mutate(material, seeded(seed))));
    expect(made).to.deep.equal(Array.from({ length: 30 }, (_, seed) => text(mutate(material, seeded(seed)))));
    expect(new Set(made).size).to.be.above(20);
  });

  it('finds a mistake, tells where, and makes the conversation as small as it gets', async () => {
    const material = await faulty.material();
    for (let seed = 0; ; seed++) {
      const steps = mutate(material, seeded(seed));
      const finding = await runCase(faulty, steps);
      if (finding === undefined) continue;
      expect(finding.details).to.include('a digit').and.include('fuzz.test');
      const small = await minimise(steps, async (some) => (await runCase(faulty, some))?.key === finding.key, 500);
      expect(size(small)).to.equal(1);
      expect(small).to.have.length(1);
      break;
    }
  });

  for (const target of targets) {
    it(`finds nothing in what ${target.name} is rightly told, nor in the first conversations with mistakes`, async () => {
      const material = await target.material();
      for (const conversation of material.conversations) expect((await runCase(target, conversation))?.details).to.equal(undefined);
      for (let seed = 0; seed < 25; seed++)
        expect((await runCase(target, mutate(material, seeded(seed))))?.details, `seed ${seed}`).to.equal(undefined);
    });
  }
});

describe('what the fuzzer has found', () => {
  for (const file of existsSync(found) ? readdirSync(found) : []) {
    it(`is mended: ${file}`, async () => {
      const target = targets.find(({ name }) => file.replace(/-[0-9a-f]{8}\.txt$/, '') === name)!;
      expect((await runCase(target, stepsOf(readFileSync(join(found, file), 'utf8'))))?.details).to.equal(undefined);
    });
  }
});
