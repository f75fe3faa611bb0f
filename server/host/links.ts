/** The figures of all links, the same for `banyan link` and for /metrics. */
import type { LinkStatus, PluginStatus } from '../contract/host.ts';
import type { MetricTable } from './services.ts';

export interface LinkFigures extends LinkStatus {
  readonly plugin: string;
  readonly waiting: number;
  readonly dropped: Readonly<Record<string, number>>;
}

export function linksOf(statuses: ReadonlyMap<string, PluginStatus>): readonly LinkFigures[] {
  return [...statuses].flatMap(([plugin, { links }]) => links.map((link) => ({ waiting: 0, dropped: {}, ...link, plugin })));
}

/** How many were dropped, for whatever reason. */
export function droppedInAll({ dropped }: LinkFigures): number {
  return Object.values(dropped).reduce((sum, count) => sum + count, 0);
}

/** Streams of one name (an XMPP server may open several) are one series. */
function byName(links: readonly LinkFigures[]): readonly LinkFigures[] {
  const all = new Map<string, LinkFigures>();
  for (const link of links) {
    const key = JSON.stringify([link.plugin, link.name]);
    const other = all.get(key);
    all.set(key, other === undefined ? link : together(other, link));
  }
  return [...all.values()];
}

function together(one: LinkFigures, other: LinkFigures): LinkFigures {
  const dropped = new Map(Object.entries(one.dropped));
  for (const [reason, count] of Object.entries(other.dropped)) dropped.set(reason, (dropped.get(reason) ?? 0) + count);
  return {
    ...one,
    state: other.state === 'up' ? 'up' : one.state,
    in: one.in + other.in,
    out: one.out + other.out,
    waiting: one.waiting + other.waiting,
    dropped: Object.fromEntries(dropped),
  };
}

export function offerLinkMetrics(metrics: MetricTable, read: () => readonly LinkFigures[]): void {
  const links = (): readonly LinkFigures[] => byName(read());
  const one = (name: string, kind: 'counter' | 'gauge', help: string, value: (link: LinkFigures) => number): void =>
    metrics.family(name, kind, help, () => links().map((link) => [{ plugin: link.plugin, link: link.name }, value(link)]));
  one('banyan_link_up', 'gauge', 'The link stands', ({ state }) => (state === 'up' ? 1 : 0));
  one('banyan_link_in_total', 'counter', 'Messages of its protocol that came', (link) => link.in);
  one('banyan_link_out_total', 'counter', 'Messages of its protocol that were sent', (link) => link.out);
  one('banyan_link_waiting', 'gauge', 'What is still to cross', ({ waiting }) => waiting);
  metrics.family('banyan_link_dropped_total', 'counter', 'What did not cross and never will', () =>
    links().flatMap(({ plugin, name, dropped }) =>
      Object.entries(dropped).map(([reason, count]) => [{ plugin, link: name, reason }, count] as const),
    ),
  );
}
