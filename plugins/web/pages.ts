/** The page's files: built beside this module, kept in memory, sent with strict headers (threat class A15). */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Host } from '../../server/plugin.ts';

const folder = fileURLToPath(new URL('./public/', import.meta.url));
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
};

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

interface File {
  readonly type: string;
  readonly plain: Buffer;
  readonly packed: Buffer;
  readonly tag: string;
}

function load(host: Host): ReadonlyMap<string, File> {
  const files = new Map<string, File>();
  if (!existsSync(folder)) {
    host.log.warn('the page is not built; run: npm run build');
    return files;
  }
  for (const name of readdirSync(folder)) {
    const plain = readFileSync(join(folder, name));
    const type = types[extname(name)];
    if (type !== undefined)
      files.set(`/${name}`, {
        type,
        plain,
        packed: gzipSync(plain, { level: 9 }),
        tag: `"${createHash('sha256').update(plain).digest('base64url').slice(0, 20)}"`,
      });
  }
  const index = files.get('/index.html');
  if (index !== undefined) files.set('/', index);
  return files;
}

/** Serves the page and its files. */
export function pageRoute(host: Host): (request: IncomingMessage, response: ServerResponse) => void {
  const files = load(host);
  return (request, response) => {
    const headers = {
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'permissions-policy': 'camera=(), microphone=(), geolocation=()',
    };
    const path = (request.url ?? '/').split('?')[0]!;
    const file = files.get(path);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { ...headers, allow: 'GET, HEAD' }).end();
      return;
    }
    if (file === undefined) {
      response.writeHead(404, { ...headers, 'content-type': 'text/plain; charset=utf-8' }).end('There is nothing here. The chat is at /\n');
      return;
    }
    const cache = /-[A-Z0-9]{8}\./.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache';
    if (request.headers['if-none-match'] === file.tag) {
      response.writeHead(304, { ...headers, etag: file.tag, 'cache-control': cache }).end();
      return;
    }
    const packed = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
    const body = packed ? file.packed : file.plain;
    response.writeHead(200, {
      ...headers,
      'content-type': file.type,
      'content-length': body.length,
      'cache-control': cache,
      etag: file.tag,
      vary: 'accept-encoding',
      ...(packed ? { 'content-encoding': 'gzip' } : {}),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
}
