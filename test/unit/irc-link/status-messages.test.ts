/** Messages to those who hold a status in a channel: `@#lounge` and the like, both ways. */
import { expect } from 'chai';
import type { Room } from '../../../server/contract/rooms.ts';
import { guest, quiet, signedIn, text, value, type Recorder } from '../core/support.ts';
import { BridgeTest } from './bridge-support.ts';

const people = [
  ':0AA UID 0AAAAAAAB 1500000000 alice h.example h.example alice 127.0.0.9 1500000000 + :Alice',
  ':0AA UID 0AAAAAAAC 1500000000 carl h.example h.example carl 127.0.0.9 1500000000 + :Carl',
  ':0AA UID 0AAAAAAAD 1500000000 dora h.example h.example dora 127.0.0.9 1500000000 + :Dora',
];

describe('status messages of an IRC link', () => {
  let test: BridgeTest;
  let room: Room;
  let chief: Recorder;
  let oper: Recorder;
  let voiced: Recorder;
  let anna: Recorder;

  async function begin(network: object = {}): Promise<void> {
    test = await BridgeTest.start({
      networks: [
        {
          label: 'net',
          server_name: 'irc.banyan.example',
          server_id: '9BN',
          peer_name: 'inspircd.example',
          tls: false,
          password_send: 'out',
          password_receive: 'in',
          rooms: ['lounge'],
          ...network,
        },
      ],
    });
    room = test.core.rooms.byName('lounge')!;
    value(await test.core.accounts.add('chief', 'a-good-password', true));
    chief = signedIn(test.core, 'chief');
    [oper, voiced, anna] = [guest(test.core, 'oper'), guest(test.core, 'voiced'), guest(test.core, 'anna')];
    for (const { session } of [chief, oper, voiced, anna]) value(await test.core.rooms.join(session.user, 'lounge', { session }));
    value(await test.core.rooms.grant(chief.session.user, room, oper.session.user.id, { operator: true }));
    value(await test.core.rooms.grant(chief.session.user, room, voiced.session.user.id, { voice: true }));
    value(test.core.rooms.leave(chief.session.user, room, ''));
    await quiet();
    await test.link(...people, ':0AA FJOIN #lounge 1500000000 +nt :o,0AAAAAAAB:1 v,0AAAAAAAC:2 ,0AAAAAAAD:3');
    await test.sent();
    shown();
  }
  /** What each was shown of messages since the last time. */
  const shown = (): Record<string, string[]> =>
    Object.fromEntries(
      Object.entries({ oper, voiced, anna }).map(([name, person]) => [
        name,
        person.take().filter((line) => /private|<|unicast/.test(line)),
      ]),
    );
  const messages = async (): Promise<string[]> =>
    (await test.sent()).flatMap((line) => /^:\S+ ((?:PRIVMSG|NOTICE) .*)$/.exec(line)?.[1] ?? []);

  it('from there reach those who hold that status here', async () => {
    await begin();
    await test.receive(':0AAAAAAAD PRIVMSG @#lounge :operators?');
    expect(shown()).to.deep.equal({ oper: ['private <dora> to oper: operators?'], voiced: [], anna: [] });
    await test.receive(':0AAAAAAAD NOTICE +#lounge :voices?');
    expect(shown()).to.deep.equal({
      oper: ['private <dora> to oper: voices?'],
      voiced: ['private <dora> to voiced: voices?'],
      anna: [],
    });
    expect(room.last.number).to.equal(
      (await test.core.rooms.history(undefined, room, { limit: 100, take: 'last' }).then(value)).at(-1)!.number,
    );
    expect(JSON.stringify(value(await test.core.rooms.history(undefined, room, { limit: 100, take: 'last' })))).to.not.include(
      'operators?',
    );
  });

  it('A11 for a status above the operators are for nobody who is no more than that; half-operators are between', async () => {
    await begin();
    await test.receive(':0AAAAAAAD PRIVMSG &#lounge :admins?', ':0AAAAAAAD PRIVMSG ~#lounge :owner?');
    expect(shown()).to.deep.equal({ oper: [], voiced: [], anna: [] });
    await test.receive(':0AAAAAAAD PRIVMSG %#lounge :half?');
    expect(shown()).to.deep.equal({ oper: ['private <dora> to oper: half?'], voiced: [], anna: [] });
  });

  it('from here are one line for all who hold the status there', async () => {
    await begin();
    await test.receive(':0AAAAAAAB FMODE #lounge 1500000000 +o 0AAAAAAAD');
    await test.core.rooms.confide(anna.session.user, room, 'operator', text('help'));
    expect(await messages()).to.deep.equal(['PRIVMSG @#lounge :help']);
    expect(shown()['oper']).to.deep.equal(['private <anna> to oper: help']);
    await test.core.rooms.confide(anna.session.user, room, 'voice', text('hello'));
    expect(await messages()).to.deep.equal(['PRIVMSG +#lounge :hello']);
    await test.core.rooms.confide(anna.session.user, room, 'owner', text('nobody'));
    expect(await messages()).to.deep.equal([]);
  });

  it('A13 from here reach no operator of the network who is none here (right "status"); who is one here is written to alone', async () => {
    await begin({ rights: ['kick'] });
    await test.core.rooms.confide(anna.session.user, room, 'operator', text('secret'));
    expect(await messages()).to.deep.equal([]);
    value(await test.core.rooms.join(chief.session.user, 'lounge', { session: chief.session }));
    const dora = [...room.members.values()].find(({ nick }) => nick === 'dora')!;
    value(await test.core.rooms.grant(chief.session.user, room, dora.user, { operator: true }));
    await test.sent();
    await test.core.rooms.confide(anna.session.user, room, 'operator', text('for dora'));
    expect(await messages()).to.deep.equal(['PRIVMSG 0AAAAAAAD :(to the operators of #lounge) for dora']);
  });
});
