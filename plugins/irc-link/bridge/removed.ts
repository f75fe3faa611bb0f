/** Networks that are linked no more: what waited for their people comes back to who wrote it. */
import type { Host, NetworkAddress } from '../../../server/plugin.ts';
import { outboundPlace } from './outbound.ts';
import { Positions } from './positions.ts';
import { ServiceHere, undelivered } from './service-here.ts';

const pageSize = 100;

/** @param labels of the networks that are configured */
export async function bounceForRemoved(host: Host, labels: ReadonlySet<string>): Promise<void> {
  const tail = `@${host.domain}`;
  for (const [network, last] of host.networks.outbound()) {
    if (!network.startsWith('irc:') || !network.endsWith(tail)) continue;
    const label = network.slice('irc:'.length, -tail.length);
    if (labels.has(label)) continue;
    const positions = new Positions(host, label);
    await positions.load();
    const place = positions.get(outboundPlace);
    // What was written before positions were kept was sent, or came back, at once.
    if (place !== undefined && place.number < last) await bounce(host, network, label, positions);
  }
}

async function bounce(host: Host, address: NetworkAddress, label: string, positions: Positions): Promise<void> {
  const nothing = (): void => undefined;
  const network = host.networks.declare(
    { address, title: label, label },
    { privateMessage: nothing, unicast: nothing, userChanged: nothing, killed: nothing },
  );
  const service = new ServiceHere(host, network, label);
  for (;;) {
    const { number, written } = positions.get(outboundPlace)!;
    const page = await network.outbound.read(number, pageSize);
    if (page.length === 0) break;
    for (const { content, number: own } of page)
      if (!service.isAt(content.to.address))
        await service.tell(content.author.address, undelivered(content, `the link to ${label} was removed`, own <= (written ?? own)));
    positions.update(outboundPlace, { number: page.at(-1)!.number });
    await positions.save();
  }
  network.withdraw('the link was removed');
}
