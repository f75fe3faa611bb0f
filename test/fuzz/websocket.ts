/** A WebSocket to the web plugin without a socket: what the shared HTTP port would hand over, and frames as a browser makes them. */
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { UpgradeRoute } from '../../server/contract/net.ts';

const closeFrame = 0x88;

/** Takes everything, and says what it is given. */
class Wire extends Duplex {
  override _read(): void {
    // Pushed when there is something.
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    // Whoever is told of a close closes, or package ws would wait for that.
    if (chunk[0] === closeFrame) setImmediate(() => this.destroy());
    done();
  }
}

/** @returns sends one text frame (RFC 6455 section 5.2), masked with zeros */
export function openWebSocket(route: UpgradeRoute): (text: Buffer) => void {
  const request = new IncomingMessage(new Socket());
  request.method = 'GET';
  request.url = route.path;
  request.headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    'sec-websocket-protocol': 'banyan.v1',
  };
  const wire = new Wire();
  route.handle(request, wire, Buffer.alloc(0));
  return (text) => {
    if (!wire.destroyed) wire.push(Buffer.concat([header(text.length), text]));
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
