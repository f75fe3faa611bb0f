/** Configuration and destruction of a room (XEP-0045 section 10, muc#owner) by a data form (XEP-0004). */
import { compareAffiliation, type HistoryPolicy, type Room, type RoomConfig } from '../../../server/plugin.ts';
import { refusalError, type StanzaError } from '../stanza-error.ts';
import { attribute, childOf, childrenOf, childText, element, stanza, textOf, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';
import type { Inside, RoomService } from './service.ts';

interface Field {
  readonly name: string;
  readonly label: string;
  readonly type: 'text-single' | 'boolean' | 'text-private' | 'list-single';
  readonly options?: readonly string[];
  read(config: RoomConfig): string;
  /** Undefined: the value means nothing. */
  write(value: string): Partial<RoomConfig> | undefined;
}

const flag = (name: string, label: string, key: 'persistent' | 'moderated' | 'membersOnly'): Field => ({
  name,
  label,
  type: 'boolean',
  read: (config) => (config[key] ? '1' : '0'),
  write: (value) => ({ [key]: isTrue(value) }),
});

const fields: readonly Field[] = [
  { name: 'muc#roomconfig_roomname', label: 'Title', type: 'text-single', read: (config) => config.title, write: (title) => ({ title }) },
  flag('muc#roomconfig_persistentroom', 'Stays when the last member leaves', 'persistent'),
  {
    name: 'muc#roomconfig_publicroom',
    label: 'In the list of rooms',
    type: 'boolean',
    read: (config) => (config.hidden ? '0' : '1'),
    write: (value) => ({ hidden: !isTrue(value) }),
  },
  flag('muc#roomconfig_membersonly', 'Only members come in', 'membersOnly'),
  flag('muc#roomconfig_moderatedroom', 'Only members and those with voice speak', 'moderated'),
  {
    name: 'muc#roomconfig_changesubject',
    label: 'Everybody may change the subject',
    type: 'boolean',
    read: (config) => (config.topicLocked ? '0' : '1'),
    write: (value) => ({ topicLocked: !isTrue(value) }),
  },
  {
    name: 'muc#roomconfig_whois',
    label: 'Who sees real addresses',
    type: 'list-single',
    options: ['moderators', 'anyone'],
    read: (config) => (config.nonAnonymous ? 'anyone' : 'moderators'),
    write: (value) => (value === 'anyone' || value === 'moderators' ? { nonAnonymous: value === 'anyone' } : undefined),
  },
  {
    name: 'muc#roomconfig_passwordprotectedroom',
    label: 'Needs a password',
    type: 'boolean',
    read: (config) => (config.key === null ? '0' : '1'),
    // Only "no" says something by itself; "yes" needs the password below.
    write: (value) => (isTrue(value) ? {} : { key: null }),
  },
  {
    name: 'muc#roomconfig_roomsecret',
    label: 'Password; empty for none',
    type: 'text-private',
    read: (config) => config.key ?? '',
    write: (value) => ({ key: value === '' ? null : value }),
  },
  {
    name: 'muc#roomconfig_maxusers',
    label: 'Most members; empty for no limit',
    type: 'text-single',
    read: (config) => (config.limit === null ? '' : String(config.limit)),
    write: (value) => {
      if (value === '' || value === 'none') return { limit: null };
      return /^[1-9]\d{0,6}$/.test(value) ? { limit: Number(value) } : undefined;
    },
  },
  {
    name: 'history',
    label: 'Who reads what was said before',
    type: 'list-single',
    options: ['all', 'joined', 'none'],
    read: (config) => config.history,
    write: (value) => (['all', 'joined', 'none'].includes(value) ? { history: value as HistoryPolicy } : undefined),
  },
];

function isTrue(value: string): boolean {
  return value === '1' || value === 'true';
}

export async function answerOwner(
  service: RoomService,
  what: Element,
  query: Element,
  room: Room,
  { user, occupant }: Inside,
): Promise<Element | StanzaError> {
  if (room.members.get(user.id)?.affiliation !== 'owner') return { condition: 'forbidden', text: 'Only owners of the room may do that.' };
  if (attribute(what, 'type') === 'get') return stanza('iq', { type: 'result' }, element('query', ns.mucOwner, {}, configForm(room)));
  const destroy = childOf(query, 'destroy', ns.mucOwner);
  if (destroy !== undefined) {
    const closed = await service.host.rooms.close(user, room, childText(destroy, 'reason', ns.mucOwner) ?? '');
    return closed.ok ? stanza('iq', { type: 'result' }) : refusalError(closed.refusal);
  }
  const form = childOf(query, 'x', ns.dataForm);
  if (form === undefined) return { condition: 'bad-request' };
  if (attribute(form, 'type') === 'cancel') return stanza('iq', { type: 'result' });
  const changes = readForm(form);
  if (typeof changes === 'string') return { condition: 'not-acceptable', text: `The value of ${changes} means nothing here.` };
  const closes = changes.membersOnly === true && !room.config.membersOnly;
  const changed = await service.host.rooms.configure(user, room, changes, occupant);
  if (!changed.ok) return refusalError(changed.refusal);
  if (closes) await removeStrangers(service, room, { user, occupant });
  return stanza('iq', { type: 'result' });
}

/** A room that becomes one for members keeps nobody else (status 322, XEP-0045 section 10.2.1). */
async function removeStrangers(service: RoomService, room: Room, { user, occupant }: Inside): Promise<void> {
  for (const member of [...room.members.values()]) {
    if (compareAffiliation(member.affiliation, 'member') >= 0) continue;
    service.view(room).departsWith(member.user, 322);
    await service.host.rooms.kick(user, room, member.user, 'this room is for members now', {}, occupant);
  }
}

function configForm(room: Room): Element {
  return element(
    'x',
    ns.dataForm,
    { type: 'form' },
    element('title', ns.dataForm, {}, `Configuration of ${room.name}`),
    field('FORM_TYPE', 'hidden', undefined, [ns.mucRoomConfig], undefined),
    ...fields.map((one) => field(one.name, one.type, one.label, [one.read(room.config)], one.options)),
  );
}

export function field(
  name: string,
  type: string,
  label: string | undefined,
  values: readonly string[],
  options: readonly string[] | undefined,
): Element {
  return element(
    'field',
    ns.dataForm,
    { var: name, type, label },
    ...values.map((value) => element('value', ns.dataForm, {}, value)),
    ...(options ?? []).map((option) => element('option', ns.dataForm, { label: option }, element('value', ns.dataForm, {}, option))),
  );
}

/** The changes that a submitted form asks for, or the name of a field whose value is none. Absent fields keep their values. */
function readForm(form: Element): Partial<RoomConfig> | string {
  let changes: Partial<RoomConfig> = {};
  const given = new Map(
    childrenOf(form, 'field', ns.dataForm).map((one) => {
      const value = childOf(one, 'value', ns.dataForm);
      return [attribute(one, 'var') ?? '', value === undefined ? '' : textOf(value)];
    }),
  );
  // A form that says that there is no password means it, whatever stands in the field.
  if (given.has('muc#roomconfig_passwordprotectedroom') && !isTrue(given.get('muc#roomconfig_passwordprotectedroom')!))
    given.set('muc#roomconfig_roomsecret', '');
  for (const one of fields) {
    const value = given.get(one.name);
    if (value === undefined) continue;
    const written = one.write(value);
    if (written === undefined) return one.name;
    changes = { ...changes, ...written };
  }
  return changes;
}
