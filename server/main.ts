#!/usr/bin/env node
/** The `banyan` command. */
import { Command } from 'commander';
import { accountAdd, accountList, accountPassword, accountRemove, linkList, linkShow, print, roomList, roomShow } from './cli/commands.ts';
import { serve } from './cli/serve.ts';
import { ConfigError, describeMistake, loadConfig } from './config/load.ts';
import { checkConfig, version } from './host/server.ts';

const program = new Command('banyan').description('A chat server that is a peer wherever it goes.').showHelpAfterError();

/** A sub-command that finds its server by the configuration or the data folder. */
function located(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .option('--config <file>', 'the configuration of the server')
    .option('--data <folder>', 'the data folder of the server');
}

located(program, 'serve', 'run the server')
  .option('--ready-file <file>', 'write one JSON object with all addresses when everything is up')
  .action(serve);

program
  .command('check <file>')
  .description('check a configuration file; names every mistake')
  .action(async (file: string) => {
    await checkConfig(loadConfig(file));
    print(`${file}: no mistakes`);
  });

const account = program.command('account').description('accounts of this server');
located(account, 'add <name>', 'add an account; asks for the password')
  .option('--admin', 'an administrator of the server')
  .option('--password-stdin', 'read the password from the standard input')
  .action(accountAdd);
located(account, 'passwd <name>', 'change a password')
  .option('--password-stdin', 'read the password from the standard input')
  .action(accountPassword);
located(account, 'list', 'all accounts').action(accountList);
located(account, 'remove <name>', 'remove an account and sign it out').action(accountRemove);

const room = program.command('room').description('rooms of this server');
located(room, 'list', 'all rooms').action(roomList);
located(room, 'show <name>', 'everything about one room').action(roomShow);

const link = program.command('link').description('links to other servers and networks');
located(link, 'list', 'all links').action(linkList);
located(link, 'show <name>', 'everything about one link').action(linkShow);

program
  .command('version')
  .description('the version of this software')
  .action(() => print(version));

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof ConfigError) for (const mistake of error.mistakes) process.stderr.write(`${describeMistake(mistake)}\n`);
  else process.stderr.write(`banyan: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
  // A start that failed half way must not hang on what is still open.
  setTimeout(() => process.exit(1), 1_000).unref();
}
