/** The native protocol as a bot's author meets it: by the document, against a real server. */
import { expect } from 'chai';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { connectIrc } from '../support/irc-client.ts';
import { connectNative, nativeGuest, type NativeClient } from '../support/native-client.ts';
import { startProcess, type TestProcess } from '../support/process.ts';
import { removeFolder, repository, temporaryFolder } from '../support/root.ts';
import { eventually } from '../support/wait.ts';

type Result = Readonly<Record<string, unknown>>;

describe('the native protocol, spoken by programs', function () {
  this.timeout(60_000);
  let banyan: Banyan;
  const open: NativeClient[] = [];
  before(async () => {
    banyan = await startBanyan({ tables: ['[limits]\nguests_per_address = 200\nstrangers_per_address = 200'] });
    await banyan.account('ann', 'password of ann');
  });
  after(async () => {
    for (const client of open) client.drop();
    await banyan?.stop();
  });
  const keep = async (client: Promise<NativeClient>): Promise<NativeClient> => {
    open.push(await client);
    return client;
  };
  const guest = (nick: string, room: string): Promise<NativeClient> => keep(nativeGuest(banyan.port('web'), nick, room));
  const stranger = (): Promise<NativeClient> => keep(connectNative(banyan.port('web')));
  const texts = (events: unknown): unknown[] =>
    (events as Result[]).filter((each) => each['kind'] === 'message').map((each) => each['text']);

  it('needs ten lines for a bot: the one of the document runs as it stands there', async () => {
    const document = await readFile(join(repository, 'docs', 'native-protocol.md'), 'utf8');
    const code = /```js\n([\s\S]*?)```/.exec(document)![1]!;
    expect(code.trim().split('\n').length).to.be.at.most(12);
    const folder = await temporaryFolder('bot');
    let bot: TestProcess | undefined;
    try {
      await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'));
      await writeFile(join(folder, 'bot.mjs'), code.replace('127.0.0.1:8080', `127.0.0.1:${banyan.port('web')}`));
      bot = await startProcess(process.execPath, ['bot.mjs'], { folder });
      const person = await connectIrc({ port: banyan.port('irc'), nick: 'polly' });
      await eventually(
        () => `the parrot in #lounge: ${bot!.output()}`,
        async () => (await person.join('#lounge')).includes('parrot') || (person.send('PART #lounge'), false),
      );
      person.send('PRIVMSG #lounge :!say good morning');
      const answer = await person.expect('the answer', (line) => line.command === 'PRIVMSG' && line.nick === 'parrot');
      expect(answer.params).to.deep.equal(['#lounge', 'good morning']);
      await person.quit();
    } finally {
      await bot?.stop();
      await removeFolder(folder);
    }
  });

  it('names its version and what one needs to sign in first of all', async () => {
    const client = await stranger();
    expect(client.frames[0]).to.include({ type: 'welcome', version: 1, domain: banyan.domain, registration: true });
    expect(client.frames[0]!['rooms']).to.deep.equal(['lounge']);
  });

  it('answers every frame that has an id with that id, and refuses by a code and a text', async () => {
    const client = await stranger();
    expect(await client.ask({ type: 'join', room: 'lounge' })).to.include({ ok: false, code: 'not-permitted' });
    expect(await client.ask({ type: 'dance' })).to.include({ ok: false, code: 'malformed' });
    expect(await client.ask({ type: 'guest', nick: 'two words' })).to.include({ ok: false, code: 'bad-nick' });
    expect(await client.ask({ type: 'ping' })).to.include({ ok: true });
    client.sendText('{"type":');
    await client.expect('the complaint', (frame) => frame.type === 'reply' && frame['id'] === null && frame['code'] === 'malformed');
    await client.must({ type: 'guest', nick: 'stranger' });
    expect(await client.ask({ type: 'guest', nick: 'again' })).to.include({ ok: false, code: 'not-permitted' });
    for (const frame of [
      { type: 'say', room: 'nowhere', text: 'x' },
      { type: 'say', room: 'banyan://', text: 'x' },
      { type: 'history', room: 'xmpp:a@b' },
      { type: 'topic', room: '\u0000', topic: 'x' },
    ])
      expect(await client.ask(frame), JSON.stringify(frame)).to.include({ ok: false, code: 'no-such-room' });
  });

  it('misses nothing and gets nothing twice when it comes back by its token and asks after its last number', async () => {
    const teller = await guest('teller', 'tales');
    const first = await guest('listener', 'tales');
    await teller.must({ type: 'say', room: 'tales', text: 'heard live' });
    const live = await first.expectItem('the first tale', (item) => item['text'] === 'heard live');
    const signedIn = first.frames.find((frame) => frame.type === 'signed-in')!;
    first.drop();
    for (let tale = 1; tale <= 30; tale += 1) await teller.must({ type: 'say', room: 'tales', text: `missed ${tale}` });
    const again = await stranger();
    await again.must({ type: 'guest', nick: 'listener', token: signedIn['guestToken'] });
    const back = again.frames.find((frame) => frame.type === 'signed-in')!;
    expect((back['you'] as Result)['address']).to.equal((signedIn['you'] as Result)['address']);
    // Still present, so the room is there without being joined again.
    const room = await again.expect('the room', (frame) => frame.type === 'room' && frame['name'] === 'tales');
    await teller.must({ type: 'say', room: 'tales', text: 'live again' });
    const tail = await again.expectItem('the last tale', (item) => item['text'] === 'live again');
    const { events } = await again.must({ type: 'history', room: 'tales', after: live['number'], limit: 500 });
    const numbers = new Set((events as Result[]).map((each) => each['number']));
    expect(numbers.size).to.equal((events as Result[]).length);
    expect(numbers.has(tail['number'])).to.equal(true);
    expect(room['last']).to.be.below(tail['number'] as number);
    expect(texts(events)).to.deep.equal([...Array.from({ length: 30 }, (_, at) => `missed ${at + 1}`), 'live again']);
  });

  it('pages through the history, backwards and forwards, to its beginning', async () => {
    const writer = await guest('writer', 'book');
    const pages = Array.from({ length: 45 }, (_, at) => `page ${at + 1}`);
    for (const text of pages) await writer.must({ type: 'say', room: 'book', text });
    const backwards: unknown[] = [];
    let before: number | undefined;
    for (;;) {
      const { events } = await writer.must({ type: 'history', room: 'book', limit: 20, ...(before === undefined ? {} : { before }) });
      const found = events as Result[];
      backwards.unshift(...texts(found));
      if (found.length < 20) break;
      before = found[0]!['number'] as number;
    }
    expect(backwards).to.deep.equal(pages);
    const forwards: unknown[] = [];
    let after = 0;
    for (;;) {
      const { events, last } = await writer.must({ type: 'history', room: 'book', limit: 20, after });
      const found = events as Result[];
      forwards.push(...texts(found));
      after = (found.at(-1)?.['number'] as number | undefined) ?? after;
      if (after === last) break;
    }
    expect(forwards).to.deep.equal(pages);
  });

  it('keeps how far an account has read, for all its sessions, never backwards', async () => {
    const other = await guest('speaker', 'notes');
    const said = await other.must({ type: 'say', room: 'notes', text: 'remember this' });
    const enter = async (): Promise<Result> => {
      const client = await stranger();
      await client.must({ type: 'sign-in', name: 'ann', password: 'password of ann' });
      await client.must({ type: 'join', room: 'notes' });
      return client.expect('the room', (frame) => frame.type === 'room' && frame['name'] === 'notes');
    };
    expect(await enter()).to.include({ read: 0 });
    const reader = open.at(-1)!;
    await reader.must({ type: 'read', room: 'notes', number: said['number'] });
    await reader.must({ type: 'read', room: 'notes', number: 1 });
    await reader.must({ type: 'read', room: 'notes', number: 1_000_000 });
    expect(await enter()).to.include({ read: said['number'] });
  });

  it('signs an account in by its token until it signs out with it', async () => {
    const first = await stranger();
    await first.must({ type: 'register', name: 'newcomer', password: 'a long password', stay: true });
    const { token } = first.frames.find((frame) => frame.type === 'signed-in') as Result;
    const second = await stranger();
    await second.must({ type: 'token', token });
    expect((second.frames.find((frame) => frame.type === 'signed-in')!['you'] as Result)['account']).to.equal('newcomer');
    second.send({ type: 'sign-out', token });
    await second.closed;
    const third = await stranger();
    expect(await third.ask({ type: 'token', token })).to.include({ ok: false, code: 'bad-credentials' });
  });

  it('carries private messages to every session of both ends, and keeps those of accounts', async () => {
    const reader = await stranger();
    await reader.must({ type: 'sign-in', name: 'ann', password: 'password of ann' });
    const writer = await guest('penfriend', 'lounge');
    await writer.must({ type: 'private', to: 'ann', text: 'dear ann' });
    const letter = await reader.expect('the letter', (frame) => frame.type === 'private' && frame['text'] === 'dear ann');
    expect(letter['own']).to.equal(false);
    const copy = await writer.expect('the own copy', (frame) => frame.type === 'private' && frame['text'] === 'dear ann');
    expect(copy).to.include({ own: true, id: letter['id'] });
    const { messages } = await reader.must({ type: 'private-history', with: (letter['author'] as Result)['address'] });
    expect((messages as Result[]).map((each) => each['id'])).to.deep.equal([letter['id']]);
  });
});
