import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { WireMember, WirePerson } from '../../../protocol.ts';
import { shortAddress } from '../../conversation.ts';
import { drawer } from '../../dialog-state.ts';
import { open } from '../../reading.ts';
import { connection, current, tell, you } from '../../state.ts';
import { talkWith } from '../../talks.ts';
import { Avatar } from '../avatar.tsx';
import { standing } from '../members.tsx';
import { close, Frame } from './frame.tsx';

export function PersonDialog({ person }: { readonly person: WirePerson | WireMember }): JSX.Element {
  const room = current.value?.kind === 'room' ? current.value : undefined;
  if (room !== undefined) void room.version.value;
  const member = room?.members.get(person.address);
  const own = room?.members.get(you.value?.address ?? '');
  const moderates = own !== undefined && (own.operator || own.affiliation === 'owner' || own.affiliation === 'admin');
  const self = person.address === you.value?.address;
  const reason = useSignal('');
  const shown = member ?? person;
  const address = useSignal('');
  useEffect(() => void askAddress(), []);

  /** Whoever may know the address is told it; that of IRC people says no more than the nick. */
  async function askAddress(): Promise<void> {
    const reply = await connection.ask({ type: 'who', user: person.address });
    const real = reply.ok ? (reply.result['user'] as { realAddress: string | null }).realAddress : null;
    if (real !== null && !real.startsWith('irc:')) address.value = shortAddress(real);
  }

  async function act(question: Parameters<typeof connection.ask>[0], leaves = true): Promise<void> {
    const reply = await connection.ask(question);
    if (!reply.ok) tell(reply.text, true);
    else if (leaves) close();
  }
  function write(): void {
    open(talkWith(shown).address);
    drawer.value = undefined;
    close();
  }
  return (
    <Frame title={shown.nick}>
      <div class="person">
        <Avatar nick={shown.nick} address={shown.address} />
        <dl>
          <dt>Comes from</dt>
          <dd>{shown.from ?? 'this server'}</dd>
          <dt>Is</dt>
          <dd>
            {[
              shown.kind === 'account' ? 'signed in' : shown.kind === 'guest' ? 'a guest' : 'a guest of another network',
              shown.bot ? 'a bot' : '',
              member === undefined ? '' : standing(member),
            ]
              .filter((word) => word !== '')
              .join(', ')}
          </dd>
          {shown.away !== null && (
            <>
              <dt>Away</dt>
              <dd>{shown.away}</dd>
            </>
          )}
          {address.value !== '' && (
            <>
              <dt>Address</dt>
              <dd class="address" data-testid="address">
                {address.value}
              </dd>
            </>
          )}
        </dl>
      </div>
      {!self && (
        <button type="button" class="button primary wide" onClick={write} data-testid="write-privately">
          Write privately
        </button>
      )}
      {moderates && member !== undefined && !self && room !== undefined && (
        <fieldset class="plain">
          <legend>Moderation</legend>
          <label>
            Reason
            <input
              value={reason.value}
              onInput={(event) => (reason.value = event.currentTarget.value)}
              maxLength={300}
              autocomplete="off"
              data-testid="reason"
            />
          </label>
          <div class="buttons">
            <button
              type="button"
              class="button danger"
              onClick={() => void act({ type: 'kick', room: room.address, user: member.address, reason: reason.value })}
              data-testid="kick"
            >
              Remove
            </button>
            <button
              type="button"
              class="button danger"
              onClick={() => void act({ type: 'kick', room: room.address, user: member.address, reason: reason.value, ban: true })}
              data-testid="ban"
            >
              Ban
            </button>
            <button
              type="button"
              class="button"
              onClick={() => void act({ type: 'grant', room: room.address, user: member.address, operator: !member.operator }, false)}
              data-testid="operator"
            >
              {member.operator ? 'No operator' : 'Operator'}
            </button>
            <button
              type="button"
              class="button"
              onClick={() => void act({ type: 'grant', room: room.address, user: member.address, voice: !member.voice }, false)}
            >
              {member.voice ? 'No voice' : 'Voice'}
            </button>
          </div>
        </fieldset>
      )}
    </Frame>
  );
}
