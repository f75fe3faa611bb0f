/** Every outcome in the tables of the README, "Who prevails", by each way in which two can meet. */
import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../../support/root.ts';
import { Model } from './support.ts';

const readme = readFileSync(join(repository, 'plugins/irc-link/README.md'), 'utf8');
const [alice, anna] = ['0AAAAAAAB', '9BNAAAAAB'];
const times = { older: 900, newer: 1_100, 'equally old': 1_000 } as const;
type When = keyof typeof times;

/** The rows of the table that begins like that. */
function rows(head: string): readonly (readonly string[])[] {
  const lines = readme.slice(readme.indexOf(`| ${head}`)).split('\n');
  return lines
    .slice(
      2,
      lines.findIndex((line) => !line.startsWith('|')),
    )
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

/** Who of two is called by its id. */
function losers(model: Model): string {
  const lost = [model.nick(anna) === anna ? 'ours' : '', model.nick(alice) === alice ? 'theirs' : ''].filter(Boolean);
  return lost.length === 2 ? 'both lose' : `${lost.join()} loses`;
}

describe('who prevails', () => {
  const nicks = rows('nicks: theirs is');
  const channels = rows('channels: theirs is');

  it('has a row for every time', () => {
    expect(nicks.map(([when]) => when)).to.deep.equal(Object.keys(times));
    expect(channels.map(([when]) => when)).to.deep.equal(['older', 'equally old', 'newer']);
  });

  for (const [when, another, same] of nicks) {
    const ts = times[when as When];
    for (const [who, verdict, ident] of [
      ['another person', another, 'other'],
      ['the same person', same, 'ident'],
    ] as const) {
      it(`theirs is introduced and ${when}, ${who}: ${verdict}`, () => {
        const model = new Model();
        model.user(anna, 'same', 1_000);
        model.user(alice, 'same', ts, ident);
        expect(losers(model)).to.equal(verdict);
      });

      it(`ours is introduced and theirs is ${when}, ${who}: ${verdict}`, () => {
        const model = new Model();
        model.user(alice, 'same', ts, ident);
        model.user(anna, 'same', 1_000);
        expect(losers(model)).to.equal(verdict);
      });

      it(`theirs takes the nick and is ${when}, ${who}: ${verdict}`, () => {
        const model = new Model();
        model.user(anna, 'same', 1_000);
        model.user(alice, 'alice', 1, ident);
        model.theirs(`:${alice} NICK same ${ts}`);
        expect(losers(model)).to.equal(verdict);
      });

      it(`ours takes the nick and theirs is ${when}, ${who}: ${verdict}`, () => {
        const model = new Model();
        model.user(alice, 'same', ts, ident);
        model.user(anna, 'anna', 1);
        model.ours(`:${anna} NICK same 1000`);
        expect(losers(model)).to.equal(verdict);
      });
    }
  }

  for (const [when, people, theirs, ours] of channels)
    it(`a channel of theirs that is ${when}: its people ${people}, its modes ${theirs}, ours ${ours?.split(',')[0]}`, () => {
      const model = new Model();
      model.user(alice, 'alice');
      model.user(anna, 'anna');
      model.ours(`:9BN FJOIN #lounge 1000 +m :o,${anna}:0`, ':9BN FMODE #lounge 1000 +b *!*@ours.example');
      const ts = times[when as When];
      model.theirs(`:0AA FJOIN #lounge ${ts} +s :o,${alice}:0`, `:0AA FMODE #lounge ${ts} +b *!*@theirs.example`);
      const [theirsStands, oursStands] = [theirs === 'stand', ours === 'stands'];
      expect(people).to.equal('come in');
      expect(model.status('#lounge')).to.deep.equal({ anna: oursStands ? 'op' : '', alice: theirsStands ? 'op' : '' });
      expect(model.modes('#lounge')).to.deep.equal({
        ...(oursStands ? { moderated: true } : {}),
        ...(theirsStands ? { secret: true } : {}),
      });
      expect(model.list('#lounge')).to.deep.equal([
        ...(oursStands ? ['*!*@ours.example'] : []),
        ...(theirsStands ? ['*!*@theirs.example'] : []),
      ]);
    });
});
