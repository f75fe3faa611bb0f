import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repository } from './root.ts';

/** Fills `{{NAME}}` places of a file in test/support/peers. A place without a value is an error. */
export async function fillTemplate(file: string, values: Readonly<Record<string, string | number>>): Promise<string> {
  const text = await readFile(join(repository, 'test', 'support', 'peers', file), 'utf8');
  return text.replaceAll(/\{\{([A-Z0-9_]+)\}\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${file}: no value for {{${name}}}`);
    return String(value);
  });
}
