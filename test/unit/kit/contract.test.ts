/** The contract notices what it is there to notice: a bridge that is right but for one thing fails the check for that thing. */
import { expect } from 'chai';
import { accepted, type Connection, type Host, type Network } from '../../../server/plugin.ts';
import { configSchema } from '../../../templates/bridge/src/config.ts';
import parley from '../../../templates/bridge/src/index.ts';
import { adapterFor } from '../../../templates/bridge/test/parley-side.ts';
import { checksFor, type ContractAdapter } from '../../kit/index.ts';
import { over } from './over.ts';

/** The bridge, with a host that is bent a little. */
function bent(bend: (host: Host) => Partial<Host>): ContractAdapter {
  return adapterFor<unknown>({ ...parley, start: (host, config) => parley.start({ ...host, ...bend(host) }, configSchema.parse(config)) });
}

function bentConnection(bend: (connection: Connection) => Partial<Connection>): ContractAdapter {
  return bent(({ net }) => ({
    net: over(net, {
      async dial(options) {
        const connection = await net.dial(options);
        return over(connection, bend(connection));
      },
    }),
  }));
}

function bentNetwork(bend: (network: Network) => Partial<Network>): ContractAdapter {
  return bent(({ networks }) => ({
    networks: over(networks, {
      declare(options, handler) {
        const network = networks.declare(options, handler);
        return over(network, bend(network));
      },
    }),
  }));
}

async function failures(adapter: ContractAdapter): Promise<string[]> {
  const failed: string[] = [];
  for (const check of checksFor(adapter)) await check.run(adapter).catch(() => failed.push(check.title));
  return failed;
}

describe('kit: the contract', () => {
  it('is passed by the bridge that nothing was done to', async () => {
    expect(await failures(bent(() => ({})))).to.deep.equal([]);
  });

  it('notices messages that cross twice', async () => {
    const adapter = bentConnection((connection) => ({
      write: (bytes) => {
        connection.write(bytes);
        if (bytes.toString().startsWith('say ')) connection.write(bytes);
      },
    }));
    expect(await failures(adapter)).to.include('what is said here is shown over there once, and here once');
  });

  it('notices what returns to where it came from', async () => {
    const adapter = bentConnection((connection) => ({
      handle: (handlers) =>
        connection.handle({
          ...handlers,
          onData(bytes) {
            handlers.onData(bytes);
            if (bytes.toString().startsWith('say ')) connection.write(bytes);
          },
        }),
    }));
    expect(await failures(adapter)).to.include('what is said over there is shown here once, and never returns to where it came from');
  });

  it('notices texts that become commands', async () => {
    const adapter = bentConnection((connection) => ({
      write: (bytes) => connection.write(bytes.toString().replaceAll('quit anna two', '\nquit anna two')),
    }));
    expect(await failures(adapter)).to.include('no text becomes a command over there');
  });

  it('notices errors that only the log shows', async () => {
    const adapter = bentConnection((connection) => ({
      handle: (handlers) =>
        connection.handle({
          ...handlers,
          onData(bytes) {
            if (bytes.some((byte) => byte > 127)) throw new Error('a bug');
            handlers.onData(bytes);
          },
        }),
    }));
    expect(await failures(adapter)).to.include('random bytes cost the peer its connection at most');
  });

  it('notices people who are lost one by one, or not at all', async () => {
    const one = bentNetwork((network) => ({
      split(users) {
        for (const user of users) network.retire(user, 'lost');
      },
    }));
    const title = 'the loss of the link takes its people out in one change, and the return brings them back in one';
    expect(await failures(one)).to.deep.equal([title]);
    expect(await failures(bentNetwork(() => ({ split: () => undefined })))).to.include(title);
  });

  it('notices what was said in vain, and what was told twice', async () => {
    const title = 'what is said here while the link is away crosses once, in order, when it is back';
    const forgets = bent(({ rooms }) => ({ rooms: over(rooms, { history: () => Promise.resolve(accepted([])) }) }));
    expect(await failures(forgets)).to.deep.equal([title, 'what had not crossed when the server was restarted crosses afterwards, once']);
    const repeats = bentConnection((connection) => ({
      handle: (handlers) =>
        connection.handle({
          ...handlers,
          // What has arrived is never known: all is said again.
          onData: (bytes) => handlers.onData(Buffer.from(bytes.toString('latin1').replaceAll(/^pong .*\n/gm, ''), 'latin1')),
        }),
    }));
    expect(await failures(repeats)).to.include(title);
  });

  it('asks more of a home over there', async () => {
    const adapter = bent(() => ({}));
    const home: ContractAdapter = {
      kind: 'foreign-home',
      // A mirror shows what is said here before anybody over there has accepted it.
      open: async (server) => Object.assign(await adapter.open(server), { holds: () => undefined, accepts: () => undefined }),
    };
    expect(await failures(home)).to.deep.equal(['what is said here counts when it comes back, in the order of its home']);
  });

  it('leaves out what cannot be carried, and nothing else', () => {
    const all = checksFor({ kind: 'mirror' });
    const some = checksFor({ kind: 'mirror', cannotCarry: ['topic', 'catch-up'] });
    const left = all.filter((check) => !some.includes(check));
    expect(new Set(left.map(({ needs }) => needs))).to.deep.equal(new Set(['topic', 'catch-up']));
    expect(some.filter(({ needs }) => needs === 'topic' || needs === 'catch-up')).to.deep.equal([]);
  });

  it('notices what a stop leaves', async () => {
    const adapter = bent(({ rooms }) => ({
      rooms: over(rooms, {
        ensure(name, config) {
          const made = rooms.ensure(name, config);
          if (made.ok) rooms.follow(made.value, { deliver: () => undefined });
          return made;
        },
      }),
    }));
    expect(await failures(adapter)).to.deep.equal(['a stop leaves nothing behind: linked, broken, and talking']);
  });
});
