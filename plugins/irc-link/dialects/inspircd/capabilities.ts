/** What an InspIRCd peer says of itself in its CAPAB lines: modes, limits, folding. */
import { foldName, parseCaseMapping } from '../../../irc/casemapping.ts';
import type { NetLimits } from '../../dialect.ts';
import { ModeTable, type ModeDefinition } from '../../model/modes.ts';
import type { NetRules } from '../../model/state.ts';

/** A peer that announces more than this is not describing itself. */
const mostWords = 2_000;

/** Of a peer that announces no channel modes: the ones of the core of InspIRCd 3. */
const coreModes = [
  'list:ban=b',
  'param-set:limit=l',
  'param:key=k',
  'prefix:10000:voice=+v',
  'prefix:30000:op=@o',
  'simple:inviteonly=i',
  'simple:moderated=m',
  'simple:noextmsg=n',
  'simple:private=p',
  'simple:secret=s',
  'simple:topiclock=t',
];

/** Collects the CAPAB lines until CAPAB END. */
export class Capabilities {
  readonly #words = new Map<string, string[]>();
  #count = 0;

  /** One `CAPAB <kind> :<words>` line. False when there are too many. */
  add(kind: string, words: string): boolean {
    const list = this.#words.get(kind) ?? [];
    this.#words.set(kind, list);
    for (const word of words.split(' ')) if (word !== '' && this.#count++ < mostWords) list.push(word);
    return this.#count <= mostWords;
  }

  rules(): NetRules {
    const mapping = parseCaseMapping(this.#setting('CASEMAPPING') ?? 'rfc1459');
    const announced = this.#words.get('CHANMODES') ?? [];
    const definitions = (announced.length > 0 ? announced : coreModes).flatMap((word) => parseChannelMode(word) ?? []);
    return { fold: (name) => foldName(name, mapping), modes: new ModeTable(definitions), collisions: 'save', statusMessages: true };
  }

  /** Version 4 calls some of them by other names. */
  limits(): NetLimits {
    const number = (names: readonly string[], otherwise: number, most: number): number => {
      for (const name of names) {
        const text = this.#setting(name);
        if (text !== undefined && /^[1-9]\d{0,6}$/.test(text)) return Math.min(Number(text), most);
      }
      return otherwise;
    };
    return {
      nick: Math.max(9, number(['NICKMAX', 'MAXNICK'], 30, 64)),
      ident: number(['IDENTMAX', 'MAXUSER'], 10, 32),
      host: Math.max(32, number(['MAXHOST'], 64, 255)),
      realName: number(['MAXREAL'], 128, 390),
      channel: number(['CHANMAX', 'MAXCHANNEL'], 64, 200),
      topic: number(['MAXTOPIC'], 307, 390),
      kick: number(['MAXKICK'], 255, 390),
      quit: number(['MAXQUIT'], 255, 390),
      away: number(['MAXAWAY'], 200, 390),
      modes: number(['MAXMODES'], 20, 20),
      line: 512,
    };
  }

  /** Letter of a user mode by name. */
  userMode(name: string): string | undefined {
    const word = this.#words.get('USERMODES')?.find((each) => each.split('=')[0]?.endsWith(`:${name}`) === true);
    const letter = word?.split('=')[1];
    return letter !== undefined && /^[A-Za-z]$/.test(letter) ? letter : undefined;
  }

  hasModule(name: string): boolean {
    for (const kind of ['MODULES', 'MODSUPPORT']) {
      if (this.#words.get(kind)?.some((word) => word.split('=')[0] === name || word === `m_${name}.so`) === true) return true;
    }
    return false;
  }

  #setting(name: string): string | undefined {
    return this.#words
      .get('CAPABILITIES')
      ?.find((word) => word.startsWith(`${name}=`))
      ?.slice(name.length + 1);
  }
}

/** `list:ban=b`, `param-set:limit=l`, `prefix:30000:op=@o`, `simple:secret=s`. */
export function parseChannelMode(word: string): ModeDefinition | undefined {
  const prefix = /^prefix:(\d{1,9}):([\w-]+)=([^\s\w:,])([A-Za-z])$/.exec(word);
  if (prefix !== null) {
    const [, rank, name, symbol, letter] = prefix as unknown as [string, string, string, string, string];
    return { name, letter, type: 'prefix', prefix: { symbol, rank: Number(rank) } };
  }
  const other = /^(list|param|param-set|simple):([\w-]+)=([A-Za-z])$/.exec(word);
  if (other === null) return undefined;
  const [, type, name, letter] = other as unknown as [string, Exclude<ModeDefinition['type'], 'prefix'>, string, string];
  return { name, letter, type };
}
