import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { WireMember } from '../../protocol.ts';
import type { Conversation } from '../conversation.ts';
import { drawer, showDialog } from '../dialog-state.ts';
import { Avatar } from './avatar.tsx';
import { Icon } from './icons.tsx';

/** More rows than these help nobody: the field above finds the rest. */
const mostShown = 300;
const filterFrom = 15;
const order = new Intl.Collator(undefined, { sensitivity: 'base', numeric: true });

interface Group {
  readonly title: string;
  /** `IRC`, `XMPP`; empty for people of this server. */
  readonly kind: string;
  readonly members: readonly WireMember[];
}

export function Members({ room }: { readonly room: Conversation }): JSX.Element {
  const people = room.people.value;
  const filter = useSignal('');
  const wanted = filter.value.trim().toLowerCase();
  const groups = useMemo(() => group(room.members.values(), wanted), [room, people, wanted]);
  let left = mostShown;
  const shown = groups.map((each) => {
    const members = each.members.slice(0, left);
    left -= members.length;
    return { ...each, count: each.members.length, members };
  });
  const missing = shown.reduce((sum, each) => sum + each.count - each.members.length, 0);
  return (
    <aside class="members" id="members" aria-label="Members" data-testid="members" data-count={room.members.size}>
      <header class="bar">
        <h2>
          {!room.inside && room.members.size === 0 ? 'Members' : `${room.members.size} ${room.members.size === 1 ? 'member' : 'members'}`}
        </h2>
        <button
          type="button"
          class="icon-button only-drawer"
          aria-label="Close the list of members"
          onClick={() => (drawer.value = undefined)}
        >
          <Icon name="close" />
        </button>
      </header>
      {room.members.size >= filterFrom && (
        <input
          class="filter"
          type="search"
          aria-label="Find a member"
          placeholder="Find …"
          value={filter.value}
          onInput={(event) => (filter.value = event.currentTarget.value)}
          data-testid="find-member"
        />
      )}
      <div class="scroll" tabIndex={0} role="group" aria-label="Names">
        {shown.map(
          ({ title, kind, count, members }) =>
            members.length > 0 && (
              <section key={title} aria-label={title}>
                <h3 data-testid="group">
                  <span class="label">{title}</span>
                  {kind !== '' && <span class="from">{kind}</span>}
                  <span class="count">{count}</span>
                </h3>
                <ul>
                  {members.map((member) => (
                    <Row key={member.address} member={member} />
                  ))}
                </ul>
              </section>
            ),
        )}
        {missing > 0 && <p class="muted small pad">and {missing} more; find them by name above</p>}
        {wanted !== '' && groups.length === 0 && <p class="muted small pad">Nobody here is called that.</p>}
      </div>
    </aside>
  );
}

/** Who keeps order comes first, then the people of this server, then each network's. */
function group(members: Iterable<WireMember>, wanted: string): Group[] {
  const staff: WireMember[] = [];
  const here: WireMember[] = [];
  const networks = new Map<string, WireMember[]>();
  for (const member of members) {
    if (wanted !== '' && !member.nick.toLowerCase().includes(wanted)) continue;
    if (isStaff(member)) staff.push(member);
    else if (member.from === null) here.push(member);
    else {
      const known = networks.get(member.from);
      if (known === undefined) networks.set(member.from, [member]);
      else known.push(member);
    }
  }
  return [
    { title: 'Operators', kind: '', members: staff },
    { title: 'This server', kind: '', members: here },
    ...[...networks]
      .toSorted(([a], [b]) => order.compare(a, b))
      .map(([title, theirs]) => ({ title, kind: kindOf(theirs[0]!), members: theirs })),
  ]
    .filter((each) => each.members.length > 0)
    .map((each) => ({ ...each, members: each.members.toSorted((a, b) => order.compare(a.nick, b.nick)) }));
}

function kindOf(member: WireMember): string {
  if (member.address.startsWith('hidden:')) return 'XMPP';
  return member.address.startsWith('irc:') ? 'IRC' : '';
}

function isStaff(member: WireMember): boolean {
  return member.operator || member.affiliation === 'owner' || member.affiliation === 'admin';
}

export function standing(member: Pick<WireMember, 'affiliation' | 'operator' | 'voice'>): string {
  if (member.affiliation === 'owner' || member.affiliation === 'admin') return member.affiliation;
  if (member.operator) return 'operator';
  return member.voice ? 'voice' : '';
}

function Row({ member }: { readonly member: WireMember }): JSX.Element {
  const rank = standing(member);
  const about = [
    rank,
    member.bot ? 'bot' : '',
    member.away === null ? '' : 'away',
    isStaff(member) && member.from !== null ? member.from : '',
  ].filter((word) => word !== '');
  return (
    <li>
      <button
        type="button"
        class={member.away === null ? 'member' : 'member is-away'}
        title={member.away ?? undefined}
        onClick={() => {
          drawer.value = undefined;
          showDialog({ name: 'person', person: member });
        }}
        data-testid="member"
        data-nick={member.nick}
        data-from={member.from ?? ''}
        data-rank={rank}
      >
        <Avatar nick={member.nick} address={member.address} small away={member.away !== null} />
        <span class="two-lines">
          <span class="nick">
            <bdi>{member.nick}</bdi>
          </span>
          {about.length > 0 && <span class="muted small">{about.join(' · ')}</span>}
        </span>
      </button>
    </li>
  );
}
