import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import type { z } from 'zod';
import { coreConfig, defaultConfig, parseConfig } from '../../../server/config/load.ts';
import { configSchema } from '../../../server/config/schema.ts';
import { checkConfig } from '../../../server/host/check.ts';
import ircClients from '../../../plugins/irc-clients/index.ts';
import ircLink from '../../../plugins/irc-link/index.ts';
import web from '../../../plugins/web/index.ts';
import xmpp from '../../../plugins/xmpp/index.ts';
import { repository } from '../../support/root.ts';

const file = join(repository, 'config.example.toml');
const text = readFileSync(file, 'utf8');
/** Keys and tables are commented without a blank, explanations with one. */
const uncommented = text.replace(/^#(?=\S)/gm, '');
const plugins = [web, ircClients, xmpp, ircLink];

interface Key {
  readonly path: string;
  /** Absent: the key has none, so any valid value may stand there. */
  readonly fallback?: unknown;
}

/** Every key below a schema; an element of a list of tables stands for all. */
function keysOf(schema: z.core.$ZodType, path: string): readonly Key[] {
  const { def } = schema._zod;
  switch (def.type) {
    case 'object':
      return Object.entries((def as z.core.$ZodObjectDef).shape).flatMap(([key, inner]) =>
        keysOf(inner, path === '' ? key : `${path}.${key}`),
      );
    case 'prefault':
      return (
        keysBelow((def as z.core.$ZodPrefaultDef).innerType, path) ?? [{ path, fallback: (def as z.core.$ZodPrefaultDef).defaultValue }]
      );
    case 'default':
      return keysBelow((def as z.core.$ZodDefaultDef).innerType, path) ?? [{ path, fallback: (def as z.core.$ZodDefaultDef).defaultValue }];
    default:
      return keysBelow(schema, path) ?? [{ path }];
  }
}

function keysBelow(schema: z.core.$ZodType, path: string): readonly Key[] | undefined {
  const { def } = schema._zod;
  if (def.type === 'object') return keysOf(schema, path);
  if (def.type !== 'array') return undefined;
  const { element } = def as z.core.$ZodArrayDef;
  return element._zod.def.type === 'object' ? keysOf(element, `${path}.0`) : undefined;
}

function at(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, key) => (inner as Readonly<Record<string, unknown>> | undefined)?.[key], value);
}

describe('config.example.toml', () => {
  it('as it is, is the configuration without a file', async () => {
    const loaded = parseConfig(file, text);
    const { selected, warnings, config } = await checkConfig(loaded);
    expect(JSON.stringify({ ...config, data: 'data' })).to.equal(JSON.stringify(coreConfig(defaultConfig())));
    expect(warnings).to.deep.equal([]);
    const without = await checkConfig(defaultConfig());
    expect(selected.map(({ plugin, config: table }) => [plugin.name, table])).to.deep.equal(
      without.selected.map(({ plugin, config: table }) => [plugin.name, table]),
    );
  });

  it('names every key of the server and of its plugins, with the default', () => {
    const table = parse(uncommented);
    const wanted = [
      ...keysOf(configSchema, ''),
      ...plugins.flatMap((plugin) => [
        { path: `plugins.${plugin.name}.enabled`, fallback: true },
        ...keysOf(plugin.config, `plugins.${plugin.name}`),
      ]),
    ];
    expect(wanted).to.have.length.above(80);
    for (const { path, fallback } of wanted) {
      const shown = at(table, path);
      expect(shown, `${path} is missing`).to.not.equal(undefined);
      if (fallback !== undefined) expect(shown, path).to.deep.equal(fallback);
    }
  });

  it('names no key that does not exist: everything together is valid', () => {
    const { core, plugins: tables } = parseConfig(file, uncommented);
    if ('mistakes' in core || 'mistakes' in tables) expect.fail(JSON.stringify([core, tables]));
    const [room] = coreConfig(defaultConfig()).rooms;
    expect(core.value.rooms).to.deep.equal([{ ...room, home: 'xmpp:den@conference.example.org', history: 'all' }]);
    for (const plugin of plugins) {
      const { enabled: _enabled, ...table } = tables.value[plugin.name] ?? {};
      expect(plugin.config.safeParse(table).error?.issues, plugin.name).to.equal(undefined);
    }
    expect(text).to.include('module = ');
  });

  it('explains every key in a line above it', () => {
    const lines = text.split('\n');
    const lonely = lines.filter((line, index) => /^#[a-z_]+ = /.test(line) && !(lines[index - 1] ?? '').startsWith('#'));
    expect(lonely).to.deep.equal([]);
  });
});
