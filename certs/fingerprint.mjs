#!/usr/bin/env node
/**
 * Prints the SHA-256 of a certificate as config.example.toml wants it: 64 hexadecimal digits.
 *   node certs/fingerprint.mjs FILE.pem         of the first certificate in a file
 *   node certs/fingerprint.mjs HOST:PORT        of what a server shows on a port with TLS from the first byte
 */
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:tls';

const [what = ''] = process.argv.slice(2);
const address = /^(?:\[([0-9a-fA-F:]+)\]|([^:]+)):(\d{1,5})$/.exec(what);

function print(certificate) {
  process.stdout.write(`${certificate.fingerprint256.replaceAll(':', '').toLowerCase()}\n`);
}

function fail(words) {
  process.stderr.write(`${words}\n`);
  process.exitCode = 1;
}

if (existsSync(what)) {
  try {
    print(new X509Certificate(readFileSync(what)));
  } catch (error) {
    fail(`${what} holds no certificate: ${error.message}`);
  }
} else if (address !== null) {
  // Whoever answers is only looked at, so that nothing has to be believed: compare with what the other side tells you.
  const host = address[1] ?? address[2];
  const socket = connect({ host, port: Number(address[3]), rejectUnauthorized: false, timeout: 10_000 });
  socket.once('secureConnect', () => {
    print(socket.getPeerX509Certificate());
    socket.destroy();
  });
  socket.once('timeout', () => socket.destroy(new Error('no answer')));
  socket.once('error', (error) => fail(`${what}: ${error.message}`));
} else fail('usage: node certs/fingerprint.mjs FILE.pem | HOST:PORT');
