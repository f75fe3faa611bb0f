/** What a client hears when it has registered (RFC 2812 section 5.1, modern.ircdocs.horse). */
import { modeLetters } from './channel.ts';
import type { Client } from './client.ts';
import type { Counts } from './server.ts';
import { mostHistory } from './commands/history.ts';

const tokensPerLine = 12;

export function welcome(client: Client): void {
  const { server } = client;
  const { host } = server;
  client.numeric('RPL_WELCOME', `Welcome to ${host.title}, ${client.source}`);
  client.numeric('RPL_YOURHOST', `Your host is ${server.name}, running Banyan ${host.version}`);
  client.numeric('RPL_CREATED', `This server was started ${new Date(host.startedAt).toUTCString()}`);
  client.numericWords('RPL_MYINFO', server.name, `banyan-${host.version}`, 'i', 'abiklmnoqstv', 'abkloqv');
  sendSupport(client);
  sendCounts(client, server.recentCounts());
  sendMotd(client);
}

/** What this server can do, as tokens (ISUPPORT). */
export function sendSupport(client: Client): void {
  const tokens = supportTokens(client.server.host.title);
  for (let at = 0; at < tokens.length; at += tokensPerLine)
    client.numeric('RPL_ISUPPORT', ...tokens.slice(at, at + tokensPerLine), 'are supported by this server');
}

function supportTokens(title: string): string[] {
  const signs = modeLetters.prefix.map(({ sign }) => sign).join('');
  const letters = modeLetters.prefix.map(({ letter }) => letter).join('');
  const { list, always, whenSet, never } = modeLetters;
  return [
    `NETWORK=${title.replace(/[^\x21-\x7e]/g, '') || 'Banyan'}`,
    'CASEMAPPING=ascii',
    'CHANTYPES=#',
    `PREFIX=(${letters})${signs}`,
    `STATUSMSG=${signs}`,
    `CHANMODES=${list},${always},${whenSet},${never}`,
    'MODES=6',
    'MAXLIST=b:500',
    'NICKLEN=32',
    'CHANNELLEN=255',
    'TOPICLEN=390',
    'KICKLEN=300',
    'AWAYLEN=200',
    'NAMELEN=128',
    'TARGMAX=PRIVMSG:4,NOTICE:4,JOIN:,PART:,KICK:,NAMES:,WHOIS:1',
    'ELIST=U',
    'SAFELIST',
    'EXTBAN=~,a',
    'WHOX',
    'UTF8ONLY',
    `CHATHISTORY=${mostHistory}`,
    'MSGREFTYPES=msgid,timestamp',
  ];
}

export function sendMotd(client: Client): void {
  const { motd, title } = client.server.host;
  if (motd.length === 0) {
    client.numeric('ERR_NOMOTD', 'There is no message of the day');
    return;
  }
  client.numeric('RPL_MOTDSTART', `- ${title} message of the day -`);
  for (const line of motd) client.numeric('RPL_MOTD', `- ${line}`);
  client.numeric('RPL_ENDOFMOTD', 'End of MOTD');
}

/** LUSERS. */
export function sendCounts(client: Client, { rooms, administrators }: Counts = client.server.counts()): void {
  const { host } = client.server;
  const { local, foreign } = host.users.count;
  const networks = [...host.networks.all()].length;
  client.numeric('RPL_LUSERCLIENT', `There are ${local + foreign} users and 0 invisible on ${networks + 1} servers`);
  client.numeric('RPL_LUSEROP', String(administrators), 'operator(s) online');
  client.numeric('RPL_LUSERCHANNELS', String(rooms), 'channels formed');
  client.numeric('RPL_LUSERME', `I have ${local} clients and ${networks} servers`);
  client.numeric('RPL_LOCALUSERS', String(local), String(local), `Current local users ${local}, max ${local}`);
  client.numeric(
    'RPL_GLOBALUSERS',
    String(local + foreign),
    String(local + foreign),
    `Current global users ${local + foreign}, max ${local + foreign}`,
  );
}
