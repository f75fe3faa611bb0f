/** What it costs to come in, and how much memory somebody takes who is in a room and says nothing. */
import { freePort } from '../test/support/ports.ts';
import { Client, closeAll, connectAll, ircWire, webWire } from './clients.ts';
import type { Group } from './measure.ts';
import { cpuOf, residentBytes, startOurs } from './servers.ts';

const roomSize = 10;

export const connections: Group = async function* (sizes) {
  const { plain, tls, web } = sizes.connections;
  const kinds = [
    { name: 'plain IRC', service: 'irc', count: plain, wire: ircWire(roomOfTen) },
    { name: 'IRC over TLS', service: 'irc-tls', count: tls, wire: ircWire(roomOfTen) },
    { name: 'web', service: 'web', count: web, wire: webWire(roomOfTen) },
  ];
  for (const { name, service, count, wire } of kinds) {
    const inspectorPort = await freePort();
    const server = await startOurs({ inspectorPort });
    try {
      const port = server.service(service);
      const [resident, cpu, begun] = [await residentBytes(server, inspectorPort), cpuOf(server), performance.now()];
      const to = { port, tls: service === 'irc-tls' };
      const clients = await connectAll(count, (index, source) => new Client(wire, `bench${index}`, { ...to, source }));
      const took = (performance.now() - begun) / 1000;
      const used = cpuOf(server) - cpu;
      const bytes = { count: Math.max(0, (await residentBytes(server, inspectorPort)) - resident) / count, of: 'resident' as const };
      yield { what: `connections: ${name}, ${count} idle`, unit: 'connection', cpu: used / count, perSecond: count / took, bytes };
      await closeAll(clients);
    } finally {
      await server.stop();
    }
  }
};

function roomOfTen(nick: string): string {
  return `room${Math.floor(Number(nick.slice('bench'.length)) / roomSize)}`;
}
