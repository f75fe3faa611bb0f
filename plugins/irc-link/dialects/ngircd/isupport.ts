/** What an ngIRCd peer says of itself in 005 lines (IRC+ flag H): modes, limits, folding. */
import { foldName, parseCaseMapping } from '../../../irc/casemapping.ts';
import type { NetLimits } from '../../dialect.ts';
import { ModeTable, ranks, type ModeDefinition, type ModeType } from '../../model/modes.ts';
import type { NetRules } from '../../model/state.ts';

/** A peer that announces more than this is not describing itself. */
const mostWords = 500;

/** Of a peer that announces nothing (no H): what ngIRCd has when it is not configured. */
const defaults: ReadonlyMap<string, string> = new Map([
  ['CASEMAPPING', 'ascii'],
  ['PREFIX', '(qaohv)~&@%+'],
  ['CHANMODES', 'beI,k,l,imMnOPQRstVz'],
  ['NICKLEN', '9'],
  ['CHANNELLEN', '50'],
]);

const names: ReadonlyMap<string, string> = new Map([
  ['q', 'founder'],
  ['a', 'admin'],
  ['o', 'op'],
  ['h', 'halfop'],
  ['v', 'voice'],
  ['b', 'ban'],
  ['e', 'banexception'],
  ['I', 'invex'],
  ['k', 'key'],
  ['l', 'limit'],
  ['i', 'inviteonly'],
  ['m', 'moderated'],
  ['M', 'regmoderated'],
  ['n', 'noextmsg'],
  ['O', 'operonly'],
  ['P', 'permanent'],
  ['Q', 'nokick'],
  ['R', 'reginvite'],
  ['r', 'c_registered'],
  ['s', 'secret'],
  ['t', 'topiclock'],
  ['V', 'noinvite'],
  ['z', 'sslonly'],
]);

const standing: ReadonlyMap<string, number> = new Map([
  ['q', ranks.owner],
  ['a', ranks.admin],
  ['o', ranks.op],
  ['h', 20_000],
  ['v', ranks.voice],
]);

export class Isupport {
  readonly #settings = new Map<string, string>();
  #count = 0;

  /** The words of one 005 line. False when there are too many. */
  add(words: readonly string[]): boolean {
    for (const word of words) {
      if (this.#count++ >= mostWords) return false;
      const equals = word.indexOf('=');
      if (equals > 0) this.#settings.set(word.slice(0, equals), word.slice(equals + 1));
    }
    return true;
  }

  #setting(name: string): string {
    return this.#settings.get(name) ?? defaults.get(name) ?? '';
  }

  rules(): NetRules {
    const mapping = parseCaseMapping(this.#setting('CASEMAPPING'));
    return { fold: (name) => foldName(name, mapping), modes: new ModeTable(this.#modes()), collisions: 'kill', statusMessages: false };
  }

  #modes(): ModeDefinition[] {
    const [, letters = '', symbols = ''] = /^\(([A-Za-z]*)\)(\S*)$/.exec(this.#setting('PREFIX')) ?? [];
    const definitions: ModeDefinition[] = [];
    for (const [index, letter] of [...letters].entries()) {
      const [name, rank, symbol] = [names.get(letter), standing.get(letter), symbols[index]];
      if (name !== undefined && rank !== undefined && symbol !== undefined)
        definitions.push({ name, letter, type: 'prefix', prefix: { symbol, rank } });
    }
    const types: readonly ModeType[] = ['list', 'param', 'param-set', 'simple'];
    const groups = this.#setting('CHANMODES').split(',');
    for (const [index, type] of types.entries())
      for (const letter of groups[index] ?? '') {
        if (/^[A-Za-z]$/.test(letter)) definitions.push({ name: names.get(letter) ?? `mode ${letter}`, letter, type });
      }
    return definitions;
  }

  /** What it does not announce are constants of ngIRCd's sources. */
  limits(): NetLimits {
    const number = (name: string, otherwise: number, most: number): number => {
      const text = this.#setting(name);
      return /^[1-9]\d{0,6}$/.test(text) ? Math.min(Number(text), most) : otherwise;
    };
    return {
      nick: Math.max(9, number('NICKLEN', 9, 31)),
      ident: 19,
      host: 63,
      realName: 127,
      channel: number('CHANNELLEN', 50, 200),
      topic: number('TOPICLEN', 390, 390),
      kick: number('KICKLEN', 390, 390),
      quit: 390,
      away: number('AWAYLEN', 127, 390),
      modes: number('MODES', 5, 5),
      line: 512,
    };
  }
}
