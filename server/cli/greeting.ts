/** What a person at the terminal is told when the server is up: where to go, and what to do first. */
import type { X509Certificate } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { basename, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Announcement } from '../contract/host.ts';
import { version } from '../host/assembly.ts';
import type { RunningServer } from '../host/server.ts';

const labelWidth = 17;
/** People first, servers last. */
const order = ['web', 'irc', 'xmpp', 'irc-link'];

export async function greeting(server: RunningServer, options: { readonly config?: string; readonly data?: string }): Promise<string> {
  const { config, services, core } = server;
  const banyan = commandLine(options);
  const administrators = (await core.accounts.list()).filter((account) => account.administrator).map((account) => account.name);
  return [
    '',
    `Banyan ${version} serves ${config.title} at ${config.domain}.`,
    '',
    ...services.toSorted(byService).map((service) => row(...shownHint(service, config.domain))),
    ...server.off.map(({ plugin, reason }) => row('Not running', `${plugin}: ${reason}`)),
    '',
    row('Data', resolve(server.dataFolder)),
    row('Certificate', certificateWords(server.certificate(), config.tls.certificate)),
    row('Settings', options.config === undefined ? 'the defaults; config.example.toml explains what can be set' : resolve(options.config)),
    '',
    administrators.length === 0
      ? row('First admin', `${banyan.run} account add NAME --admin${banyan.where}`)
      : row('Administrators', administrators.join(', ')),
    row('All commands', `${banyan.run} --help`),
    row('Stop', process.stdin.isTTY ? 'Ctrl-C' : `kill ${process.pid}`),
    '',
    '',
  ].join('\n');
}

function row(label: string, text: string): string {
  return `  ${label.padEnd(labelWidth)}${text}`;
}

function byService(a: Announcement, b: Announcement): number {
  const place = ({ service }: Announcement): number => {
    const name = service.replace(/-(?:tls|server)/g, '');
    const at = order.indexOf(name);
    return at < 0 ? order.length : at;
  };
  return place(a) - place(b);
}

/** A plugin's hint is a label, blanks, and what to say; "all addresses of this machine" is shown as the name that leads there. */
function shownHint({ hint }: Announcement, domain: string): [string, string] {
  const [label = '', ...rest] = hint.split(/\s{2,}|(?<=\))\s/);
  return [label, rest.join(' ').replace(/\[::\]|0\.0\.0\.0/g, domain)];
}

function certificateWords(certificate: X509Certificate, configured: string | undefined): string {
  const until = new Date(certificate.validTo).toISOString().slice(0, 10);
  return configured === undefined
    ? `self-signed, until ${until} (renewed by itself); browsers and other servers warn of it, see certs/README.md`
    : `${configured}, until ${until}`;
}

/** How the command was called, so that it can be called again from here. */
function commandLine(options: { readonly config?: string; readonly data?: string }): { readonly run: string; readonly where: string } {
  const called = process.argv[1] ?? '';
  const main = fileURLToPath(new URL('../main.js', import.meta.url));
  const installed = basename(called) === 'banyan' && realpathSync(called) === main;
  const where = [
    ...(options.config === undefined ? [] : [` --config ${options.config}`]),
    ...(options.data === undefined ? [] : [` --data ${options.data}`]),
  ].join('');
  return { run: installed ? 'banyan' : `node ${relative(process.cwd(), main)}`, where };
}
