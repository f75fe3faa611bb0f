/** The dialects that this build speaks, by the name used in the configuration. */
import type { Dialect } from '../dialect.ts';
import { inspircd } from './inspircd/index.ts';
import { ngircd } from './ngircd/index.ts';

export const dialects: ReadonlyMap<string, Dialect> = new Map([inspircd, ngircd].map((dialect) => [dialect.name, dialect]));
