/** Writes the documents that are made from the source. */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from './build.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
await build();
const { protocolDocument } = await import(pathToFileURL(join(root, 'dist', 'plugins', 'web', 'protocol-document.js')).href);
writeFileSync(join(root, 'docs', 'native-protocol.md'), protocolDocument());
