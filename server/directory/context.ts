/** What the parts of the directory share. */
import type { Logger } from 'pino';
import type { Clock } from '../contract/host.ts';
import type { CoreLimits } from '../core.ts';
import type { Delivery } from '../log/delivery.ts';
import type { Logbook } from '../log/logbook.ts';
import type { Domain } from '../model/address.ts';
import type { RoomConfig } from '../model/event.ts';
import type { Storage } from '../storage.ts';
import type { Audience } from './audience.ts';
import type { Homes } from './homes.ts';
import type { HookChain } from './hooks.ts';
import type { Saver } from './saver.ts';
import type { Directory, UserState } from './state.ts';

export interface Context {
  readonly directory: Directory;
  readonly delivery: Delivery;
  readonly logbook: Logbook;
  readonly audience: Audience;
  readonly hooks: HookChain;
  readonly saver: Saver;
  readonly homes: Homes;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly limits: CoreLimits;
  readonly domain: Domain;
  readonly log: Logger;
  /** HMAC of the server's secret for one purpose. */
  secret(purpose: string): Buffer;
  /** Keeps the rooms of a user's account, after it entered or left one for good. */
  remember(user: UserState): void;
}

/** How a room is made when nothing else is said. */
export const defaultRoomConfig: RoomConfig = {
  title: '',
  moderated: false,
  membersOnly: false,
  hidden: false,
  topicLocked: true,
  membersSpeak: true,
  key: null,
  limit: null,
  history: 'all',
  nonAnonymous: false,
  persistent: false,
  showJoins: true,
};

/** A room that somebody entered by its address elsewhere: others here need not know of it, and who comes later reads what came later. */
export const copyConfig: Partial<RoomConfig> = { hidden: true, history: 'joined', topicLocked: false, persistent: false };
