/** What stands for the addresses of XMPP people. */
import { expect } from 'chai';
import fc from 'fast-check';
import { Addresses, isHidden } from '../../../plugins/web/addresses.ts';
import type { UserAddress } from '../../../server/model/address.ts';

const secret = Buffer.alloc(32, 7);
const part = fc.stringMatching(/^[\p{L}\p{N}.\\%-]{1,60}$/u);
const xmpp = fc.tuple(part, part).map(([local, domain]) => `xmpp:${local}@${domain}` as UserAddress);
const alice = 'xmpp:alice@prosody.example' as UserAddress;

describe('hidden addresses', () => {
  it('lead back to the address, of whatever length and script', () => {
    const addresses = new Addresses(secret);
    fc.assert(
      fc.property(xmpp, (address) => {
        expect(addresses.real(addresses.shown(address))).to.equal(address);
      }),
    );
    for (let length = 1; length < 200; length++) {
      const address = `xmpp:${'a'.repeat(length)}@b` as UserAddress;
      expect(addresses.real(addresses.shown(address))).to.equal(address);
    }
  });

  it('are the same after a restart, other ones on another server, and never the same for two', () => {
    expect(new Addresses(secret).shown(alice)).to.equal(new Addresses(secret).shown(alice));
    const other = new Addresses(Buffer.alloc(32, 8));
    expect(other.shown(alice)).to.not.equal(new Addresses(secret).shown(alice));
    expect(other.real(new Addresses(secret).shown(alice))).to.equal(undefined);
    const addresses = new Addresses(secret);
    fc.assert(
      fc.property(xmpp, xmpp, (one, two) => {
        expect(addresses.shown(one) === addresses.shown(two)).to.equal(one === two);
      }),
    );
  });

  it('show nothing of the address: not its parts, and not how long it is', () => {
    const addresses = new Addresses(secret);
    const name = addresses.shown(alice);
    expect(name).to.match(/^hidden:[\w-]+$/);
    expect(Buffer.from(name.slice('hidden:'.length), 'base64url').toString('latin1')).to.not.match(/alice|prosody|xmpp/);
    for (const other of ['xmpp:a@b', `xmpp:${'a'.repeat(50)}@example`])
      expect(addresses.shown(other as UserAddress)).to.have.length(name.length);
    // What two addresses have in common cannot be seen either.
    expect(addresses.shown('xmpp:alice@prosody.exampla' as UserAddress).slice(7, 40)).to.not.equal(name.slice(7, 40));
  });

  it('that were changed anywhere, cut, made longer or made up lead nowhere', () => {
    const addresses = new Addresses(secret);
    const name = addresses.shown(alice);
    for (let at = 0; at < name.length; at++)
      for (const letter of ['A', 'b', '_'])
        if (name[at] !== letter) expect(addresses.real(name.slice(0, at) + letter + name.slice(at + 1)), String(at)).to.equal(undefined);
    for (let length = 0; length < name.length; length++) expect(addresses.real(name.slice(0, length))).to.equal(undefined);
    for (const other of [`${name}A`, `${name}=`, ` ${name}`, name.replace('hidden', 'HIDDEN'), name.replaceAll('_', '/'), alice, ''])
      if (other !== name) expect(addresses.real(other), other).to.equal(undefined);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(addresses.real(`hidden:${Buffer.from(bytes).toString('base64url')}`)).to.equal(undefined);
      }),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(addresses.real(text)).to.equal(undefined);
      }),
    );
  });

  it('are for XMPP people: everybody else is called by the address', () => {
    const addresses = new Addresses(secret);
    for (const address of ['banyan://chat.example/~ann', 'irc:libre@chat.example/lena'] as UserAddress[]) {
      expect(addresses.shown(address)).to.equal(address);
      expect(isHidden(address)).to.equal(false);
    }
    expect(isHidden(addresses.shown(alice))).to.equal(true);
  });

  it('stay right when there are more of them than are kept', () => {
    const addresses = new Addresses(secret);
    const name = addresses.shown(alice);
    for (let at = 0; at < 5_000; at++) addresses.shown(`xmpp:${at}@example.org` as UserAddress);
    expect(addresses.shown(alice)).to.equal(name);
  });
});
