/** Errors that end a stream (RFC 6120 section 4.9.3). */
import { element, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';

export type StreamCondition =
  | 'bad-format'
  | 'bad-namespace-prefix'
  | 'conflict'
  | 'connection-timeout'
  | 'host-unknown'
  | 'improper-addressing'
  | 'internal-server-error'
  | 'invalid-from'
  | 'invalid-namespace'
  | 'invalid-xml'
  | 'not-authorized'
  | 'not-well-formed'
  | 'policy-violation'
  | 'remote-connection-failed'
  | 'resource-constraint'
  | 'restricted-xml'
  | 'system-shutdown'
  | 'undefined-condition'
  | 'unsupported-encoding'
  | 'unsupported-feature'
  | 'unsupported-stanza-type'
  | 'unsupported-version';

/** The peer broke a rule that ends its stream; `condition` goes to the peer, `message` too. */
export class StreamError extends Error {
  override readonly name = 'StreamError';
  readonly condition: StreamCondition;
  constructor(condition: StreamCondition, message: string) {
    super(message);
    this.condition = condition;
  }
}

/** `<stream:error/>`, in the stream namespace. */
export function streamErrorElement(condition: StreamCondition, text: string): Element {
  return element(
    'error',
    ns.streams,
    {},
    element(condition, ns.streamErrors),
    text === '' ? undefined : element('text', ns.streamErrors, { 'xml:lang': 'en' }, text),
  );
}

/** The condition of a stream error received, and the same with its text, in words for the log. */
export function describeStreamError(error: Element): { readonly condition: string; readonly words: string } {
  let condition = 'undefined-condition';
  let text = '';
  for (const child of error.children) {
    if (typeof child === 'string' || child.attrs['xmlns'] !== ns.streamErrors) continue;
    if (child.name === 'text') text = child.children.filter((part) => typeof part === 'string').join('');
    else condition = child.name;
  }
  return { condition, words: text === '' ? condition : `${condition} (${text.slice(0, 200)})` };
}
