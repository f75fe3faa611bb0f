/** What may be asked about this server, its rooms and its people (XEP-0030). */
import type { Host, Room, User } from '../../server/plugin.ts';
import type { Jid } from './jid.ts';
import { field } from './muc/owner.ts';
import type { RoomService } from './muc/service.ts';
import type { People } from './people.ts';
import type { StanzaError } from './stanza-error.ts';
import { attribute, element, stanza, type Element } from './xml/element.ts';
import { ns } from './xml/namespaces.ts';

const mostItems = 500;
const common = [ns.discoInfo, ns.discoItems, ns.ping, ns.version, ns.time, ns.last];

export class Disco {
  readonly #host: Host;
  readonly #rooms: RoomService;
  readonly #people: People;

  constructor(host: Host, rooms: RoomService, people: People) {
    this.#host = host;
    this.#rooms = rooms;
    this.#people = people;
  }

  info(query: Element, to: Jid, asker: User | undefined): Element | StanzaError {
    const node = attribute(query, 'node');
    if (node !== undefined && node !== '') return { condition: 'item-not-found' };
    const answer = (identities: readonly Element[], features: readonly string[], form?: Element): Element =>
      stanza(
        'iq',
        { type: 'result' },
        element(
          'query',
          ns.discoInfo,
          {},
          ...identities,
          ...features.map((feature) => element('feature', ns.discoInfo, { var: feature })),
          form,
        ),
      );
    const identity = (category: string, type: string, name: string): Element => element('identity', ns.discoInfo, { category, type, name });
    const { domain } = this.#rooms;
    if (to.domain === domain && to.local !== '') {
      const room = this.#visible(to, asker);
      if (room === undefined) return { condition: 'item-not-found' };
      return answer(
        [identity('conference', 'text', room.config.title === '' ? room.name : room.config.title)],
        roomFeatures(room),
        roomInfo(room),
      );
    }
    if (to.domain === domain)
      return answer([identity('conference', 'text', `Rooms of ${this.#host.title}`)], [...common, ns.muc, ns.occupantId, ns.stanzaId]);
    if (to.local !== '') {
      const address = this.#people.addressOf(to);
      if (address === undefined) return { condition: 'item-not-found' };
      return answer([identity('account', 'registered', to.local)], [ns.discoInfo, ns.discoItems]);
    }
    if (to.domain === this.#people.usersDomain)
      return answer([identity('gateway', 'irc', `People of networks linked to ${this.#host.title}`)], common);
    return answer([identity('server', 'im', this.#host.title)], common);
  }

  items(query: Element, to: Jid, asker: User | undefined): Element | StanzaError {
    if ((attribute(query, 'node') ?? '') !== '') return { condition: 'item-not-found' };
    const answer = (items: readonly { readonly jid: string; readonly name?: string }[]): Element =>
      stanza('iq', { type: 'result' }, element('query', ns.discoItems, {}, ...items.map((item) => element('item', ns.discoItems, item))));
    const { domain } = this.#rooms;
    if (to.domain === domain && to.local === '') {
      const listed: { jid: string; name: string }[] = [];
      for (const room of this.#host.rooms.all()) {
        if (room.config.hidden || room.home !== undefined) continue;
        listed.push({ jid: this.#rooms.addressOf(room), name: room.config.title === '' ? room.name : room.config.title });
        if (listed.length === mostItems) break;
      }
      return answer(listed);
    }
    if (to.domain === domain) return this.#visible(to, asker) === undefined ? { condition: 'item-not-found' } : answer([]);
    if (to.local !== '' || to.domain === this.#people.usersDomain) return answer([]);
    return answer([
      { jid: domain, name: 'Rooms' },
      { jid: this.#people.usersDomain, name: 'People of other networks' },
    ]);
  }

  /** Hidden rooms are there for who is inside. */
  #visible(to: Jid, asker: User | undefined): Room | undefined {
    const room = this.#rooms.roomOf(to);
    return room !== undefined && (!room.config.hidden || (asker !== undefined && room.members.has(asker.id))) ? room : undefined;
  }
}

function roomFeatures({ config }: Room): string[] {
  return [
    ns.discoInfo,
    ns.discoItems,
    ns.muc,
    ns.stableId,
    ns.selfPingOptimisation,
    ns.stanzaId,
    ns.occupantId,
    ns.ping,
    config.hidden ? 'muc_hidden' : 'muc_public',
    config.membersOnly ? 'muc_membersonly' : 'muc_open',
    config.persistent ? 'muc_persistent' : 'muc_temporary',
    config.moderated ? 'muc_moderated' : 'muc_unmoderated',
    config.nonAnonymous ? 'muc_nonanonymous' : 'muc_semianonymous',
    config.key === null ? 'muc_unsecured' : 'muc_passwordprotected',
  ];
}

function roomInfo(room: Room): Element {
  return element(
    'x',
    ns.dataForm,
    { type: 'result' },
    field('FORM_TYPE', 'hidden', undefined, [ns.mucRoomInfo], undefined),
    field('muc#roominfo_subject', 'text-single', 'Subject', [room.topic.text], undefined),
    field('muc#roominfo_occupants', 'text-single', 'Occupants', [String(room.members.size)], undefined),
    field('muc#roomconfig_roomname', 'text-single', 'Title', [room.config.title], undefined),
  );
}
