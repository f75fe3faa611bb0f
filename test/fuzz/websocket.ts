/** A WebSocket to the web plugin, with frames as a browser makes them, whatever is in them. */
import type { KitServer } from '../kit/index.ts';

const closeFrame = 0x88;

const handshake =
  'GET /socket HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: banyan.v1\r\n\r\n';

/** @returns sends one text frame (RFC 6455 section 5.2), masked with zeros */
export function openWebSocket(server: KitServer): (text: Buffer) => void {
  const wire = server.connectHttp();
  wire.on('data', (bytes: Buffer) => {
    // Whoever is told of a close closes, or package ws would wait for that.
    if (bytes[0] === closeFrame) setImmediate(() => wire.destroy());
  });
  wire.on('error', () => undefined);
  wire.write(handshake);
  return (text) => {
    if (!wire.destroyed) wire.write(Buffer.concat([header(text.length), text]));
  };
}

function header(length: number): Buffer {
  const mask = Buffer.alloc(4);
  if (length < 126) return Buffer.concat([Buffer.from([0x81, 0x80 | length]), mask]);
  const long = Buffer.alloc(length < 65_536 ? 2 : 8);
  if (length < 65_536) long.writeUInt16BE(length);
  else long.writeBigUInt64BE(BigInt(length));
  return Buffer.concat([Buffer.from([0x81, 0x80 | (length < 65_536 ? 126 : 127)]), long, mask]);
}
