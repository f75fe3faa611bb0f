/** docs/native-protocol.md, made from the schemas that check the frames: `npm run document` writes it, a test compares. */
import { z } from 'zod';
import { clientFrames, protocolVersion, serverFrames, subProtocol } from './protocol.ts';

interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

export function protocolDocument(): string {
  return `# The native protocol, version ${protocolVersion}

This file is made from the schemas in \`plugins/web/protocol.ts\` by \`npm run document\`.

The page speaks it, and so can any program. One WebSocket (RFC 6455) at \`/socket\`, sub-protocol \`${subProtocol}\`; every text message is
one JSON object with a \`type\`. Frames that you send may carry an \`id\`: the reply has the same. Unknown types and unknown fields in
what you send are refused, one frame at a time; ignore unknown fields in what you receive, they are how the protocol grows.

A bot takes ten lines:

\`\`\`js
import WebSocket from 'ws';

const socket = new WebSocket('ws://127.0.0.1:8080/socket', '${subProtocol}');
const send = (frame) => socket.send(JSON.stringify(frame));
socket.on('message', (data) => {
  const frame = JSON.parse(data);
  if (frame.type === 'welcome') send({ type: 'guest', nick: 'parrot' });
  if (frame.type === 'signed-in') send({ type: 'join', room: 'lounge' });
  for (const item of frame.type === 'events' ? frame.items : [])
    if (item.kind === 'message' && item.text.startsWith('!say ')) send({ type: 'say', room: frame.room, text: item.text.slice(5) });
});
\`\`\`

How a session goes: the server sends \`welcome\`; you send \`guest\`, \`sign-in\`, \`token\` or \`register\`; the server answers with
\`signed-in\` and, for each room you are in, \`room\`. From then on \`events\` come, a batch a room, in order. Items with a \`number\` are
logged: the number grows with every event of the room, and none is used twice. After a broken connection sign in again by your token and ask
\`history\` \`after\` the last number you have: nothing is missed, and nothing comes twice if you keep each number once.

Persons and rooms have addresses that stay: \`banyan://example.org/~ann\`, \`banyan://example.org/@lounge\`,
\`irc:label@example.org/nick\`. Somebody of an XMPP server is called \`hidden:...\`, a name made of the address by a key of the
server: it stays, it is the same for everybody, and it goes wherever an address goes. The address behind it (\`xmpp:bob@example.net\`)
is told by \`who\` to moderators of a room where both are, to everybody in a room that shows addresses, and to administrators.
Nicks may change and may be the same for two people of different networks.

Limits: a frame has at most 131,072 bytes; 200 frames at once and 20 a second in the long run; more closes the connection with 1008.

## What you send

${clientFrames.map((frame) => section(schemaOf(frame))).join('\n')}
## What you receive

${serverFrames.map((frame) => section(schemaOf(frame))).join('\n')}`;
}

function schemaOf(frame: z.ZodType): Schema {
  return z.toJSONSchema(frame, { io: 'input', unrepresentable: 'any' }) as Schema;
}

function section(schema: Schema): string {
  const { type, ...fields } = schema.properties ?? {};
  const rows = Object.entries(fields).map(([name, field]) => {
    const needed = schema.required?.includes(name) === true ? 'yes' : '';
    return `| \`${name}\` | ${kindOf(field)} | ${needed} | ${meaningOf(field)} |`;
  });
  const table = rows.length === 0 ? '' : `\n| field | type | needed | meaning |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
  return `### \`${String(type?.const)}\`\n\n${schema.description ?? ''}\n${table}`;
}

function kindOf(field: Schema): string {
  if (field.const !== undefined) return `\`${JSON.stringify(field.const)}\``;
  if (field.enum !== undefined) return field.enum.map((value) => `\`${JSON.stringify(value)}\``).join(', ');
  if (field.anyOf !== undefined) return [...new Set(field.anyOf.map(kindOf))].join(' or ');
  if (field.type === 'array') return `list of ${field.items === undefined ? 'anything' : kindOf(field.items)}`;
  if (field.type === 'object' && field.properties !== undefined)
    return `object: ${Object.entries(field.properties)
      .map(([name, inner]) => `\`${name}\` ${kindOf(inner)}`)
      .join(', ')}`;
  return typeof field.type === 'string' ? field.type : 'anything';
}

function meaningOf(field: Schema): string {
  const parts = [
    field.description ?? '',
    field.default === undefined ? '' : `Default \`${JSON.stringify(field.default)}\`.`,
    field.maxLength === undefined ? '' : `At most ${field.maxLength} characters.`,
    field.maximum === undefined || field.maximum > 1e9 ? '' : `From ${field.minimum ?? 0} to ${field.maximum}.`,
  ];
  return parts.filter((part) => part !== '').join(' ');
}
