/** A hundred random trees; what must hold is in oracle.ts. A seed that fails is named with the command that repeats it. */
import { simulate } from './world.ts';

describe('simulated trees', () => {
  for (let nodes = 3; nodes <= 12; nodes++) {
    it(`ten of ${nodes} nodes: nothing lost, doubled or reordered`, function () {
      this.timeout(300_000);
      for (let seed = nodes * 1_000; seed < nodes * 1_000 + 10; seed++) {
        const run = { seed, nodes, seconds: 15, wipes: seed % 5 === 4, hostile: seed % 5 === 3 };
        try {
          simulate(run);
        } catch (error) {
          const command = `npm run sim -- --seed ${seed} --nodes ${nodes} --seconds 15${run.wipes ? ' --wipes' : ''}${run.hostile ? ' --hostile' : ''}`;
          throw new Error(`repeat: ${command}`, { cause: error });
        }
      }
    });
  }
});
