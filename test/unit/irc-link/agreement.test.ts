/** Whose topic stands after a break, and which modes are said once more. */
import { expect } from 'chai';
import { whoseTopic } from '../../../plugins/irc-link/bridge/agreement.ts';
import type { Room } from '../../../server/contract/rooms.ts';
import { quiet, signedIn, value, type Recorder } from '../core/support.ts';
import { BridgeTest } from './bridge-support.ts';

const since = 1_700_000_000;
const ours = (text: string, at = since): { text: string; at: number } => ({ text, at: at * 1_000 });
const theirs = (text: string, at = since): { text: string; by: string; at: number } => ({ text, by: 'bert', at });
const agreed = (topic: string | null, options: object = {}) => ({ agreed: topic, anew: false, counts: true, ...options });

describe('the topic after a break', () => {
  it('is that of who changed it', () => {
    expect(whoseTopic(ours('one'), theirs('one'), agreed(null))).to.equal('both');
    expect(whoseTopic(ours('one'), theirs('two', since - 100), agreed('one')), 'there alone').to.equal('theirs');
    expect(whoseTopic(ours('two', since - 100), theirs('one'), agreed('one')), 'here alone').to.equal('ours');
    expect(whoseTopic(ours('one'), theirs('', since + 1), agreed('one')), 'removed there').to.equal('theirs');
    expect(whoseTopic(ours('', since + 1), theirs('one'), agreed('one')), 'removed here').to.equal('ours');
  });

  it('is the later of two, ours where topics have no times', () => {
    expect(whoseTopic(ours('two'), theirs('three', since + 1), agreed('one'))).to.equal('theirs');
    expect(whoseTopic(ours('two'), theirs('three', since - 1), agreed('one'))).to.equal('ours');
    expect(whoseTopic(ours('two'), theirs('three', 0), agreed('one'))).to.equal('ours');
    expect(whoseTopic(ours(''), theirs('three', 0), agreed(null))).to.equal('theirs');
    expect(whoseTopic(ours('one'), theirs('three', 0), agreed('one'))).to.equal('theirs');
  });

  it('is ours in a channel that began anew or may have', () => {
    expect(whoseTopic(ours('one'), theirs('', 0), agreed('one'))).to.equal('ours');
    expect(whoseTopic(ours('one'), theirs('', since + 1), agreed('one', { anew: true }))).to.equal('ours');
  });

  it('stays two where theirs does not count, unless ours was changed meanwhile', () => {
    expect(whoseTopic(ours('one'), theirs('two'), agreed('one', { counts: false }))).to.equal('both');
    expect(whoseTopic(ours('one'), theirs('two'), agreed(null, { counts: false }))).to.equal('both');
    expect(whoseTopic(ours('three'), theirs('two'), agreed('one', { counts: false }))).to.equal('ours');
  });
});

describe('modes and bans after a break', () => {
  const alice = ':0AA UID 0AAAAAAAB 1500000000 alice h.example h.example alice 127.0.0.9 1500000000 + :Alice';
  const channel = (modes: string): string => `:0AA FJOIN #lounge 1500000000 +${modes} :o,0AAAAAAAB:1`;
  let test: BridgeTest;
  let room: Room;
  let chief: Recorder;

  async function begin(): Promise<void> {
    test = await BridgeTest.start();
    room = test.core.rooms.byName('lounge')!;
    value(await test.core.accounts.add('chief', 'a-long-password', true));
    chief = signedIn(test.core, 'chief');
    value(await test.core.rooms.join(chief.session.user, 'lounge', { session: chief.session }));
    value(await test.core.rooms.ban(chief.session.user, room, '*!*@bad.example', ''));
    await quiet();
    await test.link(alice, channel('nt'));
  }
  const modes = async (): Promise<string[]> => (await test.sent()).flatMap((line) => / FMODE #lounge \d+ (.*)$/.exec(line)?.[1] ?? []);
  async function beat(): Promise<void> {
    test.clock.advance(1_000);
    test.bridge.beat(false);
    await test.settle();
  }
  async function again(...burst: readonly string[]): Promise<string[]> {
    test.bridge.unlinked('cut');
    await test.settle();
    await modes();
    await test.link(alice, ...burst);
    return modes();
  }

  it('are as before, whatever was changed there meanwhile', async () => {
    await begin();
    expect(await modes()).to.deep.equal(['+b *!*@bad.example']);
    await beat();
    expect(await again(channel('ntm'), ':0AA FMODE #lounge 1500000000 +b *!*@other.example')).to.deep.equal(['-m+b *!*@bad.example']);
    await beat();
    expect(await again(channel('n'), ':0AA FMODE #lounge 1500000000 +b *!*@BAD.example')).to.deep.equal(['+t']);
  });

  it('are what the network wanted while the link stood, until that is changed here', async () => {
    await begin();
    await test.receive(':0AAAAAAAB FMODE #lounge 1500000000 +m-b *!*@bad.example');
    await beat();
    expect(await again(channel('ntm'))).to.deep.equal([]);
    await beat();
    value(await test.core.rooms.configure(chief.session.user, room, { moderated: true }));
    await beat();
    value(await test.core.rooms.configure(chief.session.user, room, { moderated: false }));
    await beat();
    expect(await again(channel('ntm')), 'it agreed at the last').to.deep.equal(['-m']);
  });
});
