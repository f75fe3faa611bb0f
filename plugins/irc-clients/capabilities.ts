/** IRCv3 capabilities that are offered. Those that change what is sent are bits, so that equal sets share one encoding. */

export const flag = {
  messageTags: 1,
  serverTime: 2,
  accountTag: 4,
  batch: 8,
  extendedJoin: 16,
  awayNotify: 32,
  accountNotify: 64,
  chghost: 128,
  setname: 256,
  echoMessage: 512,
  multiPrefix: 1024,
  userhostInNames: 2048,
  labeledResponse: 4096,
  capNotify: 8192,
  sasl: 16_384,
  chathistory: 32_768,
  selfMessage: 65_536,
} as const;

/** The bits on which the bytes of a line sent to many depend. */
export const sharedFlags =
  flag.messageTags |
  flag.serverTime |
  flag.accountTag |
  flag.batch |
  flag.extendedJoin |
  flag.awayNotify |
  flag.accountNotify |
  flag.chghost |
  flag.setname;

const capabilities: ReadonlyMap<string, number> = new Map([
  ['message-tags', flag.messageTags],
  ['server-time', flag.serverTime],
  ['account-tag', flag.accountTag],
  ['batch', flag.batch],
  ['extended-join', flag.extendedJoin],
  ['away-notify', flag.awayNotify],
  ['account-notify', flag.accountNotify],
  ['chghost', flag.chghost],
  ['setname', flag.setname],
  ['echo-message', flag.echoMessage],
  ['multi-prefix', flag.multiPrefix],
  ['userhost-in-names', flag.userhostInNames],
  ['labeled-response', flag.labeledResponse],
  ['cap-notify', flag.capNotify],
  ['sasl', flag.sasl],
  ['draft/chathistory', flag.chathistory],
  ['znc.in/self-message', flag.selfMessage],
]);

export function capabilityFlag(name: string): number | undefined {
  return capabilities.get(name);
}

/** Names for CAP LS; with version 302 or later values too. */
export function capabilityNames(values: { readonly mechanisms: readonly string[] } | undefined): string[] {
  return [...capabilities.keys()].map((name) => (name === 'sasl' && values !== undefined ? `sasl=${values.mechanisms.join(',')}` : name));
}

/** Names of the capabilities in a set. */
export function capabilitiesIn(flags: number): string[] {
  return [...capabilities].filter(([, bit]) => (flags & bit) !== 0).map(([name]) => name);
}
