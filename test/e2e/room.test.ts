/** One room for everybody: people of the page, of IRC here, of two IRC networks and of an XMPP server, as peers. */
import { seeded } from '../support/random.ts';
import { chaosRound, type Fault } from './chaos.ts';
import { owner, persons, startEnvironment, type Environment } from './environment.ts';
import { describeMatrix, everybodyInside } from './matrix.ts';

describe('one room shared by the page, IRC clients, two IRC networks and an XMPP server', function () {
  this.timeout(120_000);
  let environment: Environment;

  before(async () => {
    environment = await startEnvironment();
  });
  after(async () => {
    await environment?.stop();
  });

  it('is listed with the same people everywhere', async () => {
    await everybodyInside(environment);
  });

  describeMatrix({
    persons,
    bystanders: [owner],
    worlds: () => environment.worlds(),
    restoreRights: () => environment.restoreRights(),
  });

  describe('and something broken while everybody talks', () => {
    const broken: readonly Fault[] = ['banyan killed', 'inspircd cut off', 'prosody killed', 'banyan killed'];
    for (const [round, fault] of broken.entries()) {
      it(`loses nothing that anybody had read (round ${round + 1}: ${fault})`, async () => {
        await chaosRound(environment, seeded(round), `round-${round + 1}`, fault);
      });
    }

    it('has used every number once, and its chain of hashes holds', async () => {
      await environment.verifyLog();
    });
  });
});
