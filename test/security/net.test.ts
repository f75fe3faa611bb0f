import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { startBanyan, type Banyan } from '../support/banyan.ts';
import { connectIrc } from '../support/irc-client.ts';
import { startOddDns, type OddDns, type OddRecord } from '../support/odd-dns.ts';
import { eventually, sleep } from '../support/wait.ts';
import { testNet, type TestNet } from '../unit/net/support.ts';

/** The first bytes of a TLS 1.3 client. */
const clientHello = Buffer.from('16030100c8010000c40303', 'hex');

/** Processor seconds that a process has used (proc(5): ticks of 10 ms). */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function residentMegabytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
}

describe('A4 before login', () => {
  let server: Banyan;
  const sockets: Socket[] = [];
  before(async () => {
    server = await startBanyan({
      tables: [
        '[limits]\nstrangers_per_address = 20\nstranger_seconds = 2\nconnections_per_address = 60',
        '[plugins.irc-clients]\nlisten = ["127.0.0.1:0"]\nlisten_tls = ["127.0.0.1:0"]\nregistration_deadline = 2',
        '[plugins.xmpp]\nlisten = ["127.0.0.1:0"]\nlisten_tls = ["127.0.0.1:0"]',
      ],
    });
  });
  after(() => server.stop());
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  /** Connects, sends, and never looks at the answers. */
  function attack(port: number, bytes?: Buffer | string): Socket {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.resume();
    if (bytes !== undefined) socket.write(bytes);
    return socket;
  }

  const open = (): number => sockets.filter((socket) => !socket.destroyed).length;

  for (const [what, service, bytes] of [
    ['idle connections', 'irc', undefined],
    ['half handshakes', 'irc-tls', clientHello],
    ['idle connections', 'xmpp-server', undefined],
    ['half handshakes', 'xmpp-server-tls', clientHello],
    ['a TLS hello on the plain port', 'irc', clientHello],
    ['a TLS hello on the plain port', 'xmpp-server', clientHello],
    ['bytes without an end of line', 'irc', 'x'.repeat(50_000)],
    ['HTTP on the IRC port', 'irc', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nNICK mallory\r\nJOIN #lounge\r\n'],
  ] as const) {
    it(`${what} at ${service}: so many an address, each until its deadline`, async () => {
      for (let i = 0; i < 50; i++) attack(server.port(service), bytes);
      await eventually('the cap', () => open() <= 20);
      await eventually('the deadline', () => open() === 0, 20_000);
      expect(server.running()).to.equal(true);
    });
  }

  it('one byte at a time ends at the deadline too', async () => {
    const slow = ['irc', 'irc-tls', 'xmpp-server'].map((service) => {
      const socket = attack(server.port(service));
      const timer = setInterval(() => socket.write('x'), 50);
      socket.once('close', () => clearInterval(timer));
      return once(socket, 'close');
    });
    await Promise.all(slow);
  });

  it('connect-close loops cost no memory and leave nothing that spins', async () => {
    const storm = async (): Promise<void> => {
      for (let round = 0; round < 25; round++) {
        await Promise.all(
          Array.from({ length: 16 }, async (_, index) => {
            const socket = attack(server.port(index % 2 === 0 ? 'irc' : 'xmpp-server'), index % 3 === 0 ? clientHello : undefined);
            await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
            socket.destroy();
          }),
        );
        sockets.length = 0;
      }
    };
    await storm();
    const before = residentMegabytes(server.pid);
    await storm();
    await storm();
    expect(residentMegabytes(server.pid) - before).to.be.below(60);
    await eventually(
      'the processor to be idle',
      async () => {
        const used = cpuSeconds(server.pid);
        await sleep(1_000);
        return cpuSeconds(server.pid) - used < 0.3;
      },
      20_000,
    );
    const irc = await connectIrc({ port: server.port('irc'), nick: 'honest' });
    await irc.join('#lounge');
    await irc.quit();
    expect(server.output()).to.not.match(/"level":50/);
  });
});

describe('A4 before login: the cap on all strangers', () => {
  let test: TestNet;
  beforeEach(async () => (test = await testNet({ deadline: 60, perAddress: 1_000 })));
  afterEach(() => test.stop());

  it('counts over all listeners, and the admitted no more', async () => {
    const one = await test.listen();
    const two = await test.listen({ tls: {} });
    const sockets = Array.from({ length: 250 }, (_, index) => connect(index % 2 === 0 ? one.port : two.port, '127.0.0.1'));
    for (const socket of sockets) socket.on('error', () => undefined).resume();
    const open = (): number => sockets.filter((socket) => !socket.destroyed && !socket.connecting).length;
    await eventually('the cap of 200', () => open() === 200);
    for (const connection of one.connections) connection.admit();
    const late = connect(one.port, '127.0.0.1');
    await once(late, 'connect');
    const count = one.connections.length;
    await eventually('room for one more', () => one.connections.length >= count && !late.destroyed);
    late.write('hello');
    await eventually('its bytes', () => one.received.includes('hello'));
    for (const socket of [...sockets, late]) socket.destroy();
    await eventually('everybody gone', () => one.closed.length === one.connections.length);
    expect(test.strangers.enter('203.0.113.1'), 'nothing is left counted').to.equal(undefined);
  });
});

describe('A23 DNS data', () => {
  let dns: OddDns | undefined;
  let test: TestNet | undefined;
  const stop = async (): Promise<void> => {
    dns?.stop();
    await test?.stop();
    dns = undefined;
    test = undefined;
  };
  afterEach(stop);

  async function resolve(records: (name: string) => readonly OddRecord[]): Promise<string> {
    await stop();
    dns = await startOddDns(records);
    test = await testNet({ dnsServers: [dns.address] });
    try {
      const targets = await test.net.resolve({ domain: 'peer.example', service: '_xmpp-server._tcp', fallbackPort: 5269 });
      return targets.map(({ host, port }) => `${host}:${port}`).join(' ');
    } catch (error) {
      return `${(error as { code?: string }).code}`;
    }
  }

  it('names with blanks, control characters, slashes or quotes are no names', async () => {
    const odd = ['a b', 'a\0b', 'a\nb', 'a\rQUIT', 'a/b', '"a"', 'a\\b', 'ä', '-', 'a:b', '..', '%00', '\x7f', `${'a'.repeat(62)}-`];
    const good = { type: 'SRV', target: ['good', 'example'] } as const;
    expect(await resolve(() => [good])).to.equal('good.example:5269');
    for (const label of odd) {
      const said = await resolve(() => [{ type: 'SRV', target: [label.slice(0, 63), 'example'] }, good]);
      expect(['good.example:5269', 'dns'], JSON.stringify(label)).to.include(said);
      expect(await resolve(() => [{ type: 'SRV', target: [label.slice(0, 63), 'example'] }]), JSON.stringify(label)).to.equal('dns');
    }
  });

  it('a thousand records are cut, port 0 and the root are no target', async () => {
    const many = await resolve(() => Array.from({ length: 1_000 }, (_, n) => ({ type: 'SRV', target: [`h${n}`, 'example'] }) as const));
    expect(many.split(' ')).to.have.length(16);
    expect(await resolve(() => [{ type: 'SRV', target: ['a', 'example'], port: 0 }])).to.equal('dns');
    expect(await resolve(() => [{ type: 'SRV', target: [] }])).to.equal('dns');
  });

  it('loops of aliases end, and are asked a bounded number of times', async () => {
    const said = await resolve((name) => [
      { type: 'CNAME', target: ['loop', 'example'] },
      { type: 'CNAME', owner: ['loop', 'example'], target: name.split('.') },
    ]);
    expect(['dns', 'peer.example:5269']).to.include(said);
    expect(dns!.asked()).to.be.at.most(10);
  });

  it('what the caller asks for is checked before anybody is asked', async () => {
    await resolve(() => []);
    for (const domain of ['a b', 'a\nb', 'a..b', '', `${'a'.repeat(64)}.example`, 'a/b']) {
      const failed: unknown = await test!.net.resolve({ domain, service: '_x._tcp', fallbackPort: 1 }).catch((error: unknown) => error);
      expect(failed, JSON.stringify(domain)).to.have.property('code', 'dns');
    }
  });
});
