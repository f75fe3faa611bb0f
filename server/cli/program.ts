/** The commands and their options. */
import { Command, CommanderError } from 'commander';
import { ConfigError, describeMistake, loadConfig } from '../config/load.ts';
import { version } from '../host/assembly.ts';
import { checkConfig } from '../host/check.ts';

import {
  accountAdd,
  accountList,
  accountPassword,
  accountRemove,
  linkCheck,
  linkList,
  linkShow,
  linkTrace,
  pluginList,
  pluginStart,
  roomAlias,
  roomList,
  roomShow,
  roomUnalias,
} from './commands.ts';
import { print } from './output.ts';
import { serve } from './serve.ts';

/** Answers with the exit code; `serve` goes on after that until a signal ends the process. */
export async function runProgram(argv: readonly string[]): Promise<number> {
  try {
    await program().parseAsync([...argv]);
    return 0;
  } catch (error) {
    // Commander has already written what it has to say.
    if (error instanceof CommanderError) return error.exitCode;
    if (error instanceof ConfigError) for (const mistake of error.mistakes) process.stderr.write(`${describeMistake(mistake)}\n`);
    else process.stderr.write(`banyan: ${error instanceof Error ? error.message : String(error)}\n`);
    // A start that failed half way must not hang on what is still open.
    setTimeout(() => process.exit(1), 1_000).unref();
    return 1;
  }
}

function program(): Command {
  const banyan = new Command('banyan')
    .description('A chat server that is a peer wherever it goes.')
    .showHelpAfterError('(see --help)')
    .showSuggestionAfterError()
    .exitOverride();

  located(banyan, 'serve', 'run the server until SIGTERM; SIGHUP reloads certificates and settings')
    .option('--ready-file <file>', 'write one JSON object with all addresses when everything is up')
    .option('--supervise', 'run it as a child, and start it again when it crashes; a service manager does that otherwise')
    .action(serve);

  banyan.command('check <file>').description('check a configuration: every mistake with its line and a remedy').action(check);

  const account = banyan.command('account').description('accounts of this server; works with and without a running server');
  located(account, 'add <name>', 'add an account; asks for the password')
    .option('--admin', 'an administrator of the server')
    .option('--password-stdin', 'read the password from the standard input')
    .action(accountAdd);
  located(account, 'passwd <name>', 'change a password; signs the account out everywhere')
    .option('--password-stdin', 'read the password from the standard input')
    .action(accountPassword);
  located(account, 'list', 'all accounts').action(accountList);
  located(account, 'remove <name>', 'remove an account and sign it out').action(accountRemove);

  const room = banyan.command('room').description('rooms of the running server');
  located(room, 'list', 'all rooms').action(roomList);
  located(room, 'show <name>', 'everything about one room').action(roomShow);

  located(room, 'alias <name> <address>', 'give a room of another server, such as xmpp:den@conference.example.org, a name here').action(
    roomAlias,
  );
  located(room, 'unalias <name>', 'take that name from it again; the room stays, with what was said').action(roomUnalias);

  const link = banyan.command('link').description('links of the server to other servers and networks');
  located(link, 'list', 'all links').action(linkList);
  located(link, 'show <name>', 'everything about one link').action(linkShow);
  located(
    link,
    'check <name>',
    'a rehearsal: log in, compare, say what will not cross, leave without a trace; works without a running server too',
  ).action(linkCheck);
  located(
    link,
    'trace <name>',
    'write down what crosses a link, secrets masked, until Ctrl-C or the time is over; what people say is in it',
  )
    .option('--seconds <seconds>', 'how long', '60')
    .option('--file <file>', 'where to; else to the standard output')
    .action(linkTrace);

  const plugin = banyan.command('plugin').description('plugins of this server');
  located(plugin, 'list', 'all plugins: which run, which are off, and why').action(pluginList);
  located(plugin, 'start <name>', 'start one that is off; without a running server, with its next start').action(pluginStart);

  banyan
    .command('version')
    .description('the version of this software')
    .action(() => print(version));
  return banyan;
}

/** A sub-command that finds its server by the configuration or the data folder. */
function located(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .option('--config <file>', 'the configuration of the server')
    .option('--data <folder>', 'the data folder of the server');
}

async function check(file: string): Promise<void> {
  const { warnings } = await checkConfig(loadConfig(file));
  for (const warning of warnings) print(`${describeMistake(warning)} (a warning)`);
  print(`${file}: no mistakes`);
}
