import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Inspircd } from './inspircd.ts';
import { startProcess } from './process.ts';
import { removeFolder, temporaryFolder } from './root.ts';
import { fillTemplate } from './template.ts';

/** Name and password of services; `servicesLink` lets them into an InspIRCd. */
const services = { name: 'services.example', sid: '7SV', password: 'servicespassword' };

/** Configuration of the InspIRCd that the services will dial. */
export const servicesLink = `<link name="${services.name}" ipaddr="127.0.0.1" port="1" allowmask="127.0.0.0/8" sendpass="${services.password}" recvpass="${services.password}" hidden="no">
<uline server="${services.name}" silent="yes">`;

/** Real Atheme services of that InspIRCd: NickServ and ChanServ. */
export interface Atheme {
  readonly name: string;
  stop(): Promise<void>;
}

export async function startAtheme(inspircd: Inspircd): Promise<Atheme> {
  const folder = await temporaryFolder('atheme');
  const file = join(folder, 'atheme.conf');
  const configuration = await fillTemplate('atheme.conf', {
    DIR: folder,
    SERVERNAME: services.name,
    SID: services.sid,
    UPLINK: inspircd.name,
    UPLINKPORT: inspircd.linkPort,
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
