/** From a TOML file to a typed configuration, or to the list of all mistakes in it. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { didYouMean, explainIssue, knownKeys } from './explain.ts';
import { lineOf } from './lines.ts';
import { configSchema, pluginTables, type Config, type PluginTables } from './schema.ts';

/** One mistake: where it is, and how to mend it. */
export interface Mistake {
  readonly file: string;
  readonly line: number;
  readonly key: string;
  readonly message: string;
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly mistakes: readonly Mistake[];

  constructor(mistakes: readonly Mistake[]) {
    super(mistakes.map(describeMistake).join('\n'));
    this.mistakes = mistakes;
  }
}

export function describeMistake({ file, line, key, message }: Mistake): string {
  return `${file}${line > 0 ? `:${line}` : ''}: ${key === '' ? '' : `${key}: `}${message}`;
}

/** A configuration that has been read. Both parts are there or tell their mistakes, so that all can be told at once. */
export interface LoadedConfig {
  readonly source: ConfigSource;
  readonly core: Checked<Config>;
  /** Those tables and keys of the core that are right by themselves, whatever is wrong with others. */
  readonly sound: Partial<Config>;
  /** The plugins' tables, which the plugins' own schemas still have to check. */
  readonly plugins: Checked<PluginTables>;
}

export type Checked<T> = { readonly value: T } | { readonly mistakes: readonly Mistake[] };

export class ConfigSource {
  readonly file: string;
  readonly text: string;

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
  }

  /** Paths in the file are meant from here. */
  get folder(): string {
    return dirname(resolve(this.file));
  }

  /** Checks a part of the configuration; answers its value or the mistakes, each with its line. */
  check<Schema extends z.ZodType>(schema: Schema, value: unknown, path: readonly (string | number)[]): Checked<z.output<Schema>> {
    const parsed = schema.safeParse(value);
    if (parsed.success) return { value: parsed.data };
    return { mistakes: parsed.error.issues.flatMap((issue) => this.#mistakes(schema, issue, path)) };
  }

  #mistakes(schema: z.ZodType, issue: z.core.$ZodIssue, prefix: readonly (string | number)[]): readonly Mistake[] {
    const path = [...prefix, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))];
    if (issue.code !== 'unrecognized_keys') return [this.mistake(path, explainIssue(issue))];
    const known = knownKeys(schema, issue.path);
    return issue.keys.map((key) => {
      const meant = didYouMean(key, known);
      const remedy = meant === undefined ? 'remove it, or look in config.example.toml where it belongs' : `did you mean ${meant}?`;
      return this.mistake([...path, key], `is not known here; ${remedy}`);
    });
  }

  mistake(path: readonly (string | number)[], message: string): Mistake {
    return {
      file: this.file,
      line: lineOf(this.text, path),
      key: path
        .map((part) => (typeof part === 'number' ? `[${part + 1}]` : part))
        .join('.')
        .replaceAll('.[', '['),
      message,
    };
  }
}

/** The configuration without a file: all defaults. */
export function defaultConfig(): LoadedConfig {
  const config = configSchema.parse({});
  return { source: new ConfigSource('(defaults)', ''), core: { value: config }, sound: config, plugins: { value: {} } };
}

/** @throws ConfigError when the file cannot be read or is not TOML */
export function loadConfig(file: string): LoadedConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError([
      { file, line: 0, key: '', message: `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'}); check the path` },
    ]);
  }
  return parseConfig(file, text);
}

/** @throws ConfigError when the text is not TOML */
export function parseConfig(file: string, text: string): LoadedConfig {
  const source = new ConfigSource(file, text);
  let table: Record<string, unknown>;
  try {
    table = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw new ConfigError([
      { file, line: error.line, key: '', message: `is not TOML: ${error.message.split('\n')[0]!.replace(/^Invalid TOML document: /, '')}` },
    ]);
  }
  const { plugins: tables = {}, ...rest } = table;
  const core = source.check(configSchema, rest, []);
  const sound = 'mistakes' in core ? soundParts(rest) : core.value;
  return {
    source,
    core: 'mistakes' in core ? core : { value: { ...core.value, ...relativeTo(source.folder, core.value) } },
    sound: { ...sound, ...relativeTo(source.folder, sound) },
    plugins: source.check(pluginTables, tables, ['plugins']),
  };
}

/** The core's part alone, for who needs to find the data folder. @throws ConfigError */
export function coreConfig({ core }: LoadedConfig): Config {
  if ('mistakes' in core) throw new ConfigError(core.mistakes);
  return core.value;
}

function soundParts(table: Readonly<Record<string, unknown>>): Partial<Config> {
  const parts = Object.entries(configSchema.shape).flatMap(([key, schema]): [string, unknown][] => {
    const parsed = schema.safeParse(table[key]);
    return parsed.success ? [[key, parsed.data]] : [];
  });
  return Object.fromEntries(parts) as Partial<Config>;
}

/** Paths in a file are meant from the file's folder. */
function relativeTo<Part extends Partial<Config>>(folder: string, { data, tls }: Part): Pick<Part, 'data' | 'tls'> {
  const path = (one: string | undefined): string | undefined => (one === undefined ? undefined : resolve(folder, one));
  return {
    ...(data === undefined ? {} : { data: resolve(folder, data) }),
    ...(tls === undefined ? {} : { tls: { certificate: path(tls.certificate), key: path(tls.key), authorities: path(tls.authorities) } }),
  };
}
