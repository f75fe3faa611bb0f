/** From a TOML file to a typed configuration, or to the list of all mistakes in it. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { configSchema, type Config } from './schema.ts';

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
  return `${file}:${line}: ${key === '' ? '' : `${key}: `}${message}`;
}

/** A configuration and the text it came from, for messages about its parts. */
export interface LoadedConfig {
  readonly config: Config;
  readonly source: ConfigSource;
}

export class ConfigSource {
  readonly file: string;
  readonly text: string;

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
  }

  /** Checks a part of the configuration; answers its value or the mistakes, each with its line. */
  check<Schema extends z.ZodType>(
    schema: Schema,
    value: unknown,
    path: readonly (string | number)[],
  ): { readonly value: z.output<Schema> } | { readonly mistakes: readonly Mistake[] } {
    const parsed = schema.safeParse(value);
    if (parsed.success) return { value: parsed.data };
    return { mistakes: parsed.error.issues.flatMap((issue) => this.#mistakes(issue, path)) };
  }

  #mistakes(issue: z.core.$ZodIssue, prefix: readonly (string | number)[]): readonly Mistake[] {
    const path = [...prefix, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) =>
        this.mistake([...path, key], 'is not known here; remove it, or check its spelling against config.example.toml'),
      );
    }
    return [this.mistake(path, issue.message.replace(/^Invalid input: /, ''))];
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
  return { config: configSchema.parse({}), source: new ConfigSource('(defaults)', '') };
}

/** @throws ConfigError with every mistake of the core's part; the plugins' tables are checked by the host */
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

/** @throws ConfigError */
export function parseConfig(file: string, text: string): LoadedConfig {
  const source = new ConfigSource(file, text);
  let table: unknown;
  try {
    table = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw new ConfigError([
      { file, line: error.line, key: '', message: `is not TOML: ${error.message.split('\n')[0]!.replace(/^Invalid TOML document: /, '')}` },
    ]);
  }
  const checked = source.check(configSchema, table, []);
  if ('mistakes' in checked) throw new ConfigError(checked.mistakes);
  return { config: relativeTo(dirname(resolve(file)), checked.value), source };
}

/** Paths in a file are meant from the file's folder. */
function relativeTo(folder: string, config: Config): Config {
  const { tls } = config;
  const path = (one: string | undefined): string | undefined => (one === undefined ? undefined : resolve(folder, one));
  return {
    ...config,
    data: resolve(folder, config.data),
    tls: { certificate: path(tls.certificate), key: path(tls.key), authorities: path(tls.authorities) },
  };
}

/** The line (from 1) where the value at `path` is written; the nearest table above it when it is not written at all. */
export function lineOf(text: string, path: readonly (string | number)[]): number {
  const seen = new Map<string, number>();
  let table: string[] = [];
  let best = 1;
  let bestDepth = 0;
  const wanted = path.map(String);
  text.split('\n').forEach((line, index) => {
    const header = /^\s*(\[\[?)\s*([^\]]+?)\s*\]/.exec(line);
    if (header !== null) {
      table = splitKey(header[2]!);
      if (header[1] === '[[') {
        const name = table.join('.');
        const at = seen.get(name) ?? 0;
        seen.set(name, at + 1);
        table = [...table, String(at)];
      } else table = withIndices(table, seen);
      note(table, index + 1);
      return;
    }
    const key = /^\s*((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*=/.exec(line);
    if (key !== null) note([...table, ...splitKey(key[1]!)], index + 1);
  });
  return best;

  function note(found: readonly string[], at: number): void {
    let depth = 0;
    while (depth < found.length && depth < wanted.length && found[depth] === wanted[depth]) depth++;
    if (depth === found.length && depth > bestDepth) {
      best = at;
      bestDepth = depth;
    }
  }
}

/** `[plugins.x.links.rooms]` below the second `[[plugins.x.links]]` is in its last element. */
function withIndices(table: readonly string[], seen: ReadonlyMap<string, number>): string[] {
  const full: string[] = [];
  const plain: string[] = [];
  for (const part of table) {
    full.push(part);
    plain.push(part);
    const elements = seen.get(plain.join('.'));
    if (elements !== undefined && plain.length < table.length) full.push(String(elements - 1));
  }
  return full;
}

function splitKey(key: string): string[] {
  return [...key.matchAll(/"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+)/g)].map((match) => match[1] ?? match[2] ?? match[3]!);
}
