import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { WireMember } from '../../protocol.ts';
import type { Conversation } from '../conversation.ts';
import { drawer, showDialog } from '../dialog-state.ts';
import { Avatar } from './avatar.tsx';
import { Icon } from './icons.tsx';

/** More rows than these help nobody: the field above finds the rest. */
const mostShown = 300;
const filterFrom = 15;

export function Members({ room }: { readonly room: Conversation }): JSX.Element {
  void room.version.value;
  const filter = useSignal('');
  const wanted = filter.value.trim().toLowerCase();
  const all = [...room.members.values()].filter((member) => wanted === '' || member.nick.toLowerCase().includes(wanted));
  const byNick = (a: WireMember, b: WireMember): number => a.nick.localeCompare(b.nick);
  const staff = all.filter(isStaff).toSorted(byNick);
  const others = all.filter((member) => !isStaff(member)).toSorted(byNick);
  const shown = others.slice(0, mostShown);
  return (
    <aside class="members" aria-label="Members" data-testid="members" data-count={room.members.size}>
      <header class="bar">
        <h2>
          {room.members.size} {room.members.size === 1 ? 'member' : 'members'}
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
        />
      )}
      <div class="scroll" tabIndex={0} role="group" aria-label="Names">
        {staff.length > 0 && (
          <>
            <h3>Operators</h3>
            <ul>
              {staff.map((member) => (
                <Row key={member.address} member={member} />
              ))}
            </ul>
          </>
        )}
        {shown.length > 0 && (
          <>
            {staff.length > 0 && <h3>People</h3>}
            <ul>
              {shown.map((member) => (
                <Row key={member.address} member={member} />
              ))}
            </ul>
          </>
        )}
        {others.length > shown.length && <p class="muted small pad">and {others.length - shown.length} more</p>}
      </div>
    </aside>
  );
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
  const about = [rank, member.bot ? 'bot' : '', member.away === null ? '' : 'away', member.from === null ? '' : member.from].filter(
    (word) => word !== '',
  );
  return (
    <li>
      <button
        type="button"
        class={member.away === null ? 'member' : 'member is-away'}
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
