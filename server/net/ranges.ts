/** Addresses and ranges of addresses, as a configuration lists them. */
import { BlockList, isIP } from 'node:net';

/** Whether an address is one of these, or lies in one of the ranges `address/prefix` among them. */
export function addressMatcher(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  const kind = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 4 ? 'ipv4' : 'ipv6');
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/');
    if (prefix === undefined) list.addAddress(address, kind(address));
    else list.addSubnet(address, Number(prefix), kind(address));
  }
  return (address) => isIP(address) !== 0 && list.check(address, kind(address));
}
