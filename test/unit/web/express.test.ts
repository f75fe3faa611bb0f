/** What goes over the wire of the native protocol, of people whose address is not for everybody. */
import { expect } from 'chai';
import type { Host } from '../../../server/contract/host.ts';
import type { NetworkHandler } from '../../../server/contract/networks.ts';
import { parseDomain, xmppNetworkAddress, xmppUserAddress } from '../../../server/model/address.ts';
import type { Author, LoggedContent, LogRecord, MemberView } from '../../../server/model/event.ts';
import { mintEventId } from '../../../server/model/ids.ts';
import { plainText } from '../../../server/model/text.ts';
import { definePlugin } from '../../../server/plugin.ts';
import { Express } from '../../../plugins/web/express.ts';
import { z } from 'zod';
import { openServer, type KitServer } from '../../kit/index.ts';

const far = parseDomain('far.example');
const network = xmppNetworkAddress(far);
const address = xmppUserAddress('alice', far);
const gone = xmppUserAddress('gone', far);
const alice: Author = { address, nick: 'Al', network };
const silent: NetworkHandler = {
  privateMessage: () => undefined,
  unicast: () => undefined,
  userChanged: () => undefined,
  killed: () => undefined,
};

describe('what the native protocol says of XMPP people', () => {
  let server: KitServer;
  let host: Host;
  let express: Express;
  let hidden: string;

  beforeEach(async () => {
    server = await openServer();
    await server.start(
      definePlugin({
        name: 'probe',
        version: '1.0.0',
        config: z.strictObject({}),
        enabledByDefault: true,
        start: (given) => {
          host = given;
          return Promise.resolve({ stop: () => Promise.resolve(), status: () => ({ summary: '', links: [] }) });
        },
      }),
    );
    host.networks
      .declare({ address: network, title: 'Far', label: 'far' }, silent)
      .introduce([{ address, nick: 'Al', ident: 'xmpp', host: 'x.far.example', realName: 'Al' }]);
    express = new Express(host);
    hidden = express.addresses.shown(address);
  });
  afterEach(() => server.stop());

  const record = (content: LoggedContent): LogRecord => ({
    log: 'room x' as LogRecord['log'],
    epoch: '',
    number: 1,
    id: mintEventId(1),
    origin: far,
    born: 1,
    logged: 1,
    salt: '',
    digest: '',
    chain: '',
    content,
  });
  /** That is in it instead of the address. */
  const hides = (frame: object, name = hidden): void => {
    const text = JSON.stringify(frame);
    expect(text).to.include(name).and.not.include('alice').and.not.include('xmpp:');
  };

  it('has no address in any event of a room', () => {
    const text = plainText('hello');
    const contents: LoggedContent[] = [
      { kind: 'message', author: alice, text, style: 'normal' },
      { kind: 'topic', author: alice, topic: 't' },
      { kind: 'kick', author: alice, target: alice, reason: '', banned: true },
      { kind: 'config', author: alice, changes: { title: 't' } },
      { kind: 'affiliation', author: alice, address, affiliation: 'admin', reason: '' },
      { kind: 'ban', author: alice, add: true, ban: { mask: 'a!*@*', by: 'Al', at: 1, reason: '' } },
      { kind: 'join', who: alice },
      { kind: 'leave', who: alice, reason: '', quit: true },
      { kind: 'nick', who: alice, nick: 'Ally' },
      { kind: 'private', author: alice, to: alice, text, style: 'normal' },
    ];
    for (const content of contents) hides(express.event(record(content)));
  });

  it('has no address in changes of a room', () => {
    const room = server.room('lounge');
    const user = host.users.byAddress(address)!;
    const view: MemberView = { user: user.id, address, nick: 'Al', affiliation: 'none', operator: false, voice: false };
    const absent: MemberView = { ...view, user: 'nobody' as MemberView['user'] };
    for (const member of [view, absent]) {
      const changes = [
        { kind: 'joined', members: [member], cause: { kind: 'join' } },
        { kind: 'left', members: [member], cause: { kind: 'kick', by: alice, reason: '', banned: false } },
        { kind: 'member', before: member, after: member, by: alice },
        { kind: 'typing', member, state: 'active' },
      ] as const;
      for (const change of changes) hides(express.item(room, { kind: 'change', change, via: undefined }));
    }
  });

  it('has no address in changes of a person and in private messages, those to somebody who is gone included', () => {
    const user = host.users.byAddress(address)!;
    hides(express.person(user));
    hides(express.userChange({ kind: 'nick', before: user, after: user }));
    hides(express.userChange({ kind: 'quit', before: user, reason: '' }));
    const content = { kind: 'private', author: alice, to: { address: gone, nick: 'G' }, text: plainText('psst'), style: 'normal' } as const;
    const frame = express.private({ ...record(content), content }, false);
    hides(frame);
    hides(frame, express.addresses.shown(gone));
  });

  it('tells of somebody whose affiliation changed the nick, or else where the person is from', () => {
    const told = (changed: typeof address): unknown =>
      express.event(record({ kind: 'affiliation', author: alice, address: changed, affiliation: 'outcast', reason: '' }))['target'];
    expect(told(address)).to.deep.equal({ address: hidden, nick: 'Al', from: 'Far' });
    expect(told(gone)).to.deep.equal({ address: express.addresses.shown(gone), nick: '', from: 'far.example' });
  });
});
