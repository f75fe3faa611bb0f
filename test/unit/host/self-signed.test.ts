import { expect } from 'chai';
import { X509Certificate } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { coreConfig, defaultConfig } from '../../../server/config/load.ts';
import type { Timer } from '../../../server/contract/host.ts';
import { tlsFiles, watchCertificate } from '../../../server/host/certificates.ts';
import { selfSigned } from '../../../server/host/self-signed.ts';
import { TlsStore } from '../../../server/net/tls.ts';
import { removeFolder, temporaryFolder } from '../../support/root.ts';
import { eventually } from '../../support/wait.ts';
import { pino } from 'pino';

const fingerprint = (file: string): string => new X509Certificate(readFileSync(file)).fingerprint256;

describe('the self-signed certificate', () => {
  let folder: string;
  beforeEach(async () => (folder = await temporaryFolder('self-signed')));
  afterEach(() => removeFolder(folder));

  /** Puts a certificate of another life into its place: valid for so many days. */
  function replace(domain: string, days: number): void {
    execFileSync(
      'openssl',
      [
        ...[
          'req',
          '-x509',
          '-newkey',
          'ec',
          '-pkeyopt',
          'ec_paramgen_curve:prime256v1',
          '-nodes',
          '-days',
          String(days),
          '-subj',
          `/CN=${domain}`,
        ],
        ...['-addext', `subjectAltName=DNS:${domain}`, '-keyout', join(folder, 'certs', 'self-signed.key')],
        ...['-out', join(folder, 'certs', 'self-signed.crt')],
      ],
      { stdio: 'ignore' },
    );
  }

  it('names everything that leads here, with a key that nobody else reads', async () => {
    const { certificateFile, keyFile } = await selfSigned(folder, 'chat.example');
    const certificate = new X509Certificate(readFileSync(certificateFile));
    for (const name of ['chat.example', 'rooms.chat.example', 'users.chat.example', 'localhost'])
      expect(certificate.checkHost(name, { subject: 'never' }), name).to.equal(name);
    for (const address of ['127.0.0.1', '::1']) expect(certificate.checkIP(address), address).to.equal(address);
    expect(certificate.ca).to.equal(false);
    expect((await stat(keyFile)).mode & 0o777).to.equal(0o600);
    expect((await stat(join(folder, 'certs'))).mode & 0o777).to.equal(0o700);
    createSecureContext({ cert: readFileSync(certificateFile), key: readFileSync(keyFile) });
  });

  it('stays while it is good, and is made anew before its end, for another domain, and when it is damaged', async () => {
    const { certificateFile } = await selfSigned(folder, 'chat.example');
    const first = fingerprint(certificateFile);
    await selfSigned(folder, 'chat.example');
    expect(fingerprint(certificateFile)).to.equal(first);
    await selfSigned(folder, 'other.example');
    expect(fingerprint(certificateFile)).to.not.equal(first);
    replace('other.example', 3);
    const old = fingerprint(certificateFile);
    await selfSigned(folder, 'other.example');
    expect(fingerprint(certificateFile)).to.not.equal(old);
    await writeFile(certificateFile, 'no certificate');
    await selfSigned(folder, 'other.example');
    expect(fingerprint(certificateFile)).to.be.a('string');
  });

  it('is renewed while the server runs', async () => {
    const config = coreConfig(defaultConfig());
    await selfSigned(folder, config.domain);
    replace(config.domain, 3);
    const tls = new TlsStore({
      certificateFile: join(folder, 'certs', 'self-signed.crt'),
      keyFile: join(folder, 'certs', 'self-signed.key'),
    });
    const old = tls.certificate.fingerprint256;
    let look: (() => void) | undefined;
    let renewed = 0;
    const timer: Timer = { cancel: () => (look = undefined) };
    const stop = watchCertificate({
      config: () => config,
      dataFolder: folder,
      tls,
      clock: {
        now: () => Date.now(),
        after: () => timer,
        every: (_milliseconds, run) => {
          look = run;
          return timer;
        },
      },
      log: pino({ level: 'silent' }),
      renewed: () => renewed++,
    });
    look!();
    await eventually('a new certificate', () => renewed === 1);
    expect(tls.certificate.fingerprint256).to.not.equal(old);
    look!();
    expect((await tlsFiles(config, folder)).certificateFile).to.equal(join(folder, 'certs', 'self-signed.crt'));
    expect(renewed).to.equal(1);
    stop();
    expect(look).to.equal(undefined);
  });
});
