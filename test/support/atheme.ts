import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { IrcClient } from './irc-client.ts';
import { startProcess } from './process.ts';
import { removeFolder, temporaryFolder } from './root.ts';
import { fillTemplate } from './template.ts';
import { eventually } from './wait.ts';

/** Name and password of services; `servicesLink` lets them into an InspIRCd. */
const services = { name: 'services.example', sid: '7SV', password: 'servicespassword' };

/** Configuration of the InspIRCd that the services will dial. */
export const servicesLink = `<link name="${services.name}" ipaddr="127.0.0.1" port="1" allowmask="127.0.0.0/8" sendpass="${services.password}" recvpass="${services.password}" hidden="no">
<uline server="${services.name}" silent="yes">`;

/** Real Atheme services of a network: NickServ and ChanServ. */
export interface Atheme {
  readonly name: string;
  stop(): Promise<void>;
}

/** Configuration of the ngIRCd that the services will dial. */
export const ngircdServicesLink = `[Server]
	Name = ${services.name}
	Host = 127.0.0.1
	Port = 1
	MyPassword = ${services.password}
	PeerPassword = ${services.password}
	Passive = yes
	ServiceMask = *Serv`;

/** @param uplink the server that they dial, and the language that they speak to it */
export async function startAtheme(uplink: {
  readonly name: string;
  readonly linkPort: number;
  readonly protocol: 'inspircd' | 'ngircd';
}): Promise<Atheme> {
  const folder = await temporaryFolder('atheme');
  const file = join(folder, 'atheme.conf');
  const configuration = await fillTemplate('atheme.conf', {
    DIR: folder,
    SERVERNAME: services.name,
    SID: services.sid,
    PROTOCOL: uplink.protocol,
    CASEMAPPING: uplink.protocol === 'inspircd' ? 'rfc1459' : 'ascii',
    UPLINK: uplink.name,
    UPLINKPORT: uplink.linkPort,
    PASSWORD: services.password,
  });
  await writeFile(file, configuration);
  const args = ['-n', '-c', file, '-l', join(folder, 'atheme.log'), '-p', join(folder, 'atheme.pid'), '-D', folder];
  // The first run makes the database and ends.
  await (await startProcess('/usr/bin/atheme-services', ['-b', ...args], { folder })).ended();
  const child = await startProcess('/usr/bin/atheme-services', args, { folder });
  return {
    name: services.name,
    async stop() {
      await child.stop();
      await removeFolder(folder);
    },
  };
}

/** Tells NickServ something, until it answers like that. */
export async function nickServ(client: IrcClient, command: string, answer: RegExp): Promise<void> {
  const since = client.lines.length;
  client.send(`PRIVMSG NickServ :${command}`);
  await client.expect(
    `the answer to ${command}`,
    (line) => line.command === 'NOTICE' && line.nick === 'NickServ' && answer.test(line.params[1]!),
    { since },
  );
}

/** Waits until the services are on the network of that client. */
export function servicesCame(client: IrcClient): Promise<unknown> {
  return eventually('NickServ', async () => {
    client.send('WHOIS NickServ');
    return (await client.sync()).some((line) => line.command === '311');
  });
}
