/**
 * The AsyncAPI 3.0 document of the gateway's streams, made from the schemas that parse them. `send`
 * and `receive` are named from the gateway's side.
 */

import { CLOSE_CODES, type CloseReason, isRetryableClose } from '../close-codes.ts';
import { createSchemaComponents, type JsonSchema, type SchemaComponents } from './json-schema.ts';
import type { DocumentOptions } from './openapi.ts';
import { type ClientMessage, STREAMS, type Stream, type StreamMessage } from './streams.ts';
import { CLOSE_WORDS } from './words.ts';

export interface AsyncApiDocument {
  readonly asyncapi: '3.0.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string; readonly license: JsonSchema };
  readonly defaultContentType: 'application/json';
  readonly servers: Readonly<Record<'ws' | 'http', { readonly host: string; readonly protocol: string; readonly pathname?: string }>>;
  readonly channels: Readonly<Record<string, AsyncApiChannel>>;
  readonly operations: Readonly<Record<string, AsyncApiOperation>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly securitySchemes: Readonly<Record<string, JsonSchema>>;
  };
  readonly 'x-close-codes': readonly CloseCode[];
}

export interface AsyncApiChannel {
  readonly address: string;
  readonly title: string;
  readonly description: string;
  readonly servers: readonly Pointer[];
  readonly messages: Readonly<Record<string, AsyncApiMessage>>;
}

export interface AsyncApiMessage {
  readonly name: string;
  readonly summary: string;
  readonly payload: JsonSchema;
  readonly headers?: JsonSchema;
  readonly examples: readonly { readonly payload: unknown }[];
}

export interface AsyncApiOperation {
  readonly action: 'send' | 'receive';
  readonly channel: Pointer;
  readonly messages: readonly Pointer[];
  readonly reply?: { readonly channel: Pointer; readonly messages: readonly Pointer[] };
}

interface Pointer {
  readonly $ref: string;
}

export interface CloseCode {
  readonly number: number;
  readonly code: CloseReason;
  readonly retryable: boolean;
  readonly description: string;
}

/** The members of a channel that depend on its protocol. */
const BINDINGS: Readonly<Record<Stream['id'], JsonSchema>> = {
  websocket: {
    bindings: {
      ws: {
        method: 'GET',
        headers: {
          type: 'object',
          properties: { 'Sec-WebSocket-Protocol': { type: 'string', const: 'qrcast.v1' } },
          required: ['Sec-WebSocket-Protocol'],
        },
        bindingVersion: '0.1.0',
      },
    },
  },
  socketio: {
    bindings: {
      ws: {
        method: 'GET',
        query: {
          type: 'object',
          properties: { EIO: { type: 'string', const: '4' }, transport: { type: 'string', enum: ['websocket', 'polling'] } },
          required: ['EIO', 'transport'],
        },
        bindingVersion: '0.1.0',
      },
    },
  },
  sse: { parameters: { id: { description: "A session's id, or `self` for a ticket's own session", examples: ['self'] } } },
};

const TICKET = { type: 'http', scheme: 'bearer', description: "A ticket with the scope `view`, or the tenant's API key." } as const;

const CLOSE_CODE_TABLE: readonly CloseCode[] = (Object.keys(CLOSE_CODES) as CloseReason[]).map((code) => ({
  number: CLOSE_CODES[code],
  code,
  retryable: isRetryableClose(code),
  description: CLOSE_WORDS[code],
})); // its own keys

const DESCRIPTION = `What the gateway pushes to viewers. Its three transports work in the same way: you authorise and receive the current state at once, then every newer version. You never receive an older version, or the same one twice. A viewer that reads slowly skips versions but never misses the final one.

The range of a close code tells you what to do, even if you do not know the number. **1012 and 4000–4499: reconnect**, with full jitter, and wait at least \`retryAfterMs\`. **1000 and 4500–4999: do not reconnect unless you change something**, for example the ticket. A plain WebSocket is closed with the number, and the close reason is the word. Socket.IO and Server-Sent Events send \`closing\` instead.

${CLOSE_CODE_TABLE.map(({ number, code, description }) => `- ${number} \`${code}\`: ${description}`).join('\n')}`;

export function asyncApiDocument({ serverUrl, version }: DocumentOptions): AsyncApiDocument {
  const { host, pathname, protocol } = new URL(serverUrl);
  const isSecure = protocol === 'https:';
  const at = { host, ...(pathname === '/' ? {} : { pathname }) };
  const components = createSchemaComponents('draft-07');
  return {
    asyncapi: '3.0.0',
    info: { title: 'qrcast streams', version, description: DESCRIPTION, license: { name: 'MIT' } },
    defaultContentType: 'application/json',
    servers: { ws: { ...at, protocol: isSecure ? 'wss' : 'ws' }, http: { ...at, protocol: isSecure ? 'https' : 'http' } },
    channels: Object.fromEntries(STREAMS.map((stream) => [stream.id, channelOf(stream, components)])),
    operations: Object.fromEntries(STREAMS.flatMap(operationsOf)),
    components: { schemas: components.all(), securitySchemes: { ticket: TICKET } },
    'x-close-codes': CLOSE_CODE_TABLE,
  };
}

function channelOf(stream: Stream, components: SchemaComponents): AsyncApiChannel {
  const { id, address, title, description, server, fromServer, fromClient } = stream;
  const messages: [string, AsyncApiMessage][] = [
    ...Object.entries(fromServer).map(
      ([name, message]) => [keyOf('send', name), messageOf(name, message, components.answer, components)] as [string, AsyncApiMessage],
    ),
    ...Object.entries(fromClient).map(
      ([name, message]) => [keyOf('receive', name), messageOf(name, message, components.request, components)] as [string, AsyncApiMessage],
    ),
  ];
  return {
    address,
    title,
    description,
    servers: [{ $ref: `#/servers/${server}` }],
    messages: Object.fromEntries(messages),
    ...BINDINGS[id],
  };
}

function messageOf(
  name: string,
  { summary, payload, headers, example }: StreamMessage,
  convert: SchemaComponents['answer'],
  components: SchemaComponents,
): AsyncApiMessage {
  return {
    name,
    summary,
    payload: convert(payload),
    ...(headers === undefined ? {} : { headers: components.answer(headers) }),
    examples: [{ payload: example }],
  };
}

function operationsOf({ id, fromServer, fromClient }: Stream): [string, AsyncApiOperation][] {
  const channel = { $ref: `#/channels/${id}` };
  const pointTo = (action: AsyncApiOperation['action'], name: string): Pointer => ({
    $ref: `#/channels/${id}/messages/${keyOf(action, name)}`,
  });
  const replyTo = ({ answers }: ClientMessage) => ({ channel, messages: answers.map((name) => pointTo('send', name)) });
  const replies = new Set(Object.values(fromClient).flatMap(({ answers }) => answers));
  return [
    ...Object.keys(fromServer).flatMap((name) => (replies.has(name) ? [] : [operation('send', name, {})])),
    ...Object.entries(fromClient).map(([name, message]) => operation('receive', name, { reply: replyTo(message) })),
  ];

  function operation(action: AsyncApiOperation['action'], name: string, rest: Partial<AsyncApiOperation>): [string, AsyncApiOperation] {
    const security = id === 'sse' ? { security: [{ $ref: '#/components/securitySchemes/ticket' }] } : {};
    return [`${id}.${keyOf(action, name)}`, { action, channel, messages: [pointTo(action, name)], ...security, ...rest }];
  }
}

/** All messages of a channel are in one table. The suffix keeps sent and received ones apart. */
const keyOf = (action: AsyncApiOperation['action'], name: string): string => `${name}.${action === 'send' ? 'sent' : 'received'}`;
