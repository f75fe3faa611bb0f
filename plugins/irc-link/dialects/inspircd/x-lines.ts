/** Bans of the whole network, which InspIRCd calls X-lines. */
import type { Fact, NetBanKind } from '../../model/facts.ts';
import { isBanMask } from '../names.ts';

/** Not here: R, whose mask is an expression that may take for ever, and CBAN, of channels, which are shared by agreement. */
const lines: ReadonlyMap<string, { readonly ban: NetBanKind; readonly name: string }> = new Map([
  ['G', { ban: 'bar', name: 'G-line' }],
  ['K', { ban: 'bar', name: 'K-line' }],
  ['Z', { ban: 'bar', name: 'Z-line' }],
  ['E', { ban: 'exempt', name: 'E-line' }],
  ['Q', { ban: 'reserve', name: 'Q-line' }],
  ['SVSHOLD', { ban: 'reserve', name: 'hold of services' }],
  ['SHUN', { ban: 'silence', name: 'shun' }],
]);

const number = /^\d{1,15}$/;

/** `ADDLINE G *@bad.example opal 1795336861 60 :reason` */
export function addLine(
  source: string,
  [type = '', mask = '', , set = '', duration = '', reason = '']: readonly string[],
): readonly Fact[] | undefined {
  const line = lines.get(type);
  if (line === undefined) return [];
  if (!number.test(set) || !number.test(duration) || !isBanMask(mask)) return undefined;
  return [{ kind: 'network-ban', source, ...line, mask, setAt: Number(set), seconds: Number(duration), reason }];
}

/** `DELLINE G *@bad.example` */
export function delLine(source: string, [type = '', mask = '']: readonly string[]): readonly Fact[] | undefined {
  const line = lines.get(type);
  if (line === undefined) return [];
  return isBanMask(mask) ? [{ kind: 'network-unban', source, name: line.name, mask }] : undefined;
}

/** The letters of a ban with that name. */
export function lineType(name: string): string | undefined {
  return [...lines].find(([, line]) => line.name === name)?.[0];
}
