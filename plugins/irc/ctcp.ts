/** CTCP: a message within a message, between two 0x01. */

export interface Ctcp {
  /** In upper case: `ACTION`, `VERSION`. */
  readonly verb: string;
  readonly text: string;
}

/** How a CTCP query or answer travels between two people as a `Unicast` with protocol `ctcp`. */
export interface CtcpUnicast {
  /** An answer goes in a NOTICE and is never answered. */
  readonly answer: boolean;
  readonly verb: string;
  readonly text: string;
}

const mark = '\u0001';

/** The CTCP in a message's text, or undefined when it is ordinary text. The closing mark may be missing. */
export function parseCtcp(text: string): Ctcp | undefined {
  if (!text.startsWith(mark)) return undefined;
  const closed = text.indexOf(mark, 1);
  const content = text.slice(1, closed < 0 ? undefined : closed);
  const blank = content.indexOf(' ');
  const verb = (blank < 0 ? content : content.slice(0, blank)).toUpperCase();
  return /^[!-~]+$/.test(verb) ? { verb, text: blank < 0 ? '' : content.slice(blank + 1) } : undefined;
}

/** Builds the text of a message that holds a CTCP; marks and line ends in it are left out. */
export function buildCtcp(ctcp: Ctcp): string {
  const verb = ctcp.verb.toUpperCase().replace(/[^!-~]/g, '');
  const text = ctcp.text.replace(/[\u0000\u0001\r\n]/g, '');
  return `${mark}${verb}${text === '' ? '' : ` ${text}`}${mark}`;
}

/** Reads a unicast's data that came from another plugin; undefined for anything else. */
export function parseCtcpUnicast(data: unknown): CtcpUnicast | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const { answer, verb, text } = data as Partial<Record<keyof CtcpUnicast, unknown>>;
  if (typeof answer !== 'boolean' || typeof verb !== 'string' || typeof text !== 'string') return undefined;
  return /^[!-~]{1,64}$/.test(verb) ? { answer, verb: verb.toUpperCase(), text } : undefined;
}
