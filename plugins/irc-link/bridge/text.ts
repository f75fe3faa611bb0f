/** What people say, between the core's text and lines of IRC. */
import type { LoggedContent, MessageStyle, RichText } from '../../../server/plugin.ts';
import { buildCtcp, parseCtcp } from '../../irc/ctcp.ts';
import { fromIrcText } from '../../irc/formatting.ts';
import { ircLines } from '../../irc/split.ts';
import type { NetUser } from '../model/state.ts';

const mostLines = 50;

/** The texts of the lines that say it, so that each line as a client over there gets it keeps within the limit. Threat class A1. */
export function toLines(
  content: Extract<LoggedContent, { kind: 'message' | 'private' }>,
  from: NetUser,
  target: string,
  lineBytes: number,
): readonly string[] {
  const verb = content.style === 'notice' ? 'NOTICE' : 'PRIVMSG';
  const head = Buffer.byteLength(`:${from.nick}!${from.ident}@${from.host} ${verb} ${target} :`) + 2;
  const action = content.style === 'action';
  const texts = ircLines(content.text, {
    bytes: Math.max(64, lineBytes - head - (action ? 9 : 0)),
    lines: mostLines,
    more: (left) => `(${left} more lines)`,
  });
  return action ? texts.map((text) => buildCtcp({ verb: 'ACTION', text })) : texts;
}

/** What a line says; undefined for a CTCP that is no ACTION. */
export function fromLine(text: string, notice: boolean): { readonly text: RichText; readonly style: MessageStyle } | undefined {
  const ctcp = parseCtcp(text);
  if (ctcp === undefined) return { text: fromIrcText(text.replaceAll('\u0001', '')), style: notice ? 'notice' : 'normal' };
  return ctcp.verb === 'ACTION' ? { text: fromIrcText(ctcp.text), style: 'action' } : undefined;
}
