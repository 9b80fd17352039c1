/**
 * Checks the options of `watchSession`. An error names the option and the kind of its value, never
 * the value itself.
 */

import { longPoll } from './transports/long-poll.ts';
import { sse } from './transports/sse.ts';
import { hasWebSocket, webSocket } from './transports/websocket.ts';
import type { Format, Transport, WatchOptions } from './types.ts';

export interface Settings {
  /** Without a slash at the end. */
  readonly url: string;
  readonly ticket: string;
  /** Best first. */
  readonly transports: readonly [Transport, ...Transport[]];
  readonly formats: readonly Format[] | undefined;
  readonly renewTicket: (() => Promise<string>) | undefined;
  readonly signal: AbortSignal | undefined;
  readonly visible: boolean | undefined;
}

/**
 * @throws {TypeError} with the option's name, what was expected, and the kind of value that came
 */
export function parseOptions(options: WatchOptions): Settings {
  if (typeof options !== 'object' || options === null) throw wrong('options', 'an object with url and ticket', options);
  const { url, ticket, transport = 'auto', formats, renewTicket, signal, visible } = options;
  if (typeof ticket !== 'string' || ticket === '') throw wrong('ticket', 'the text your backend got with the session', ticket);
  if (renewTicket !== undefined && typeof renewTicket !== 'function') throw wrong('renewTicket', 'a function', renewTicket);
  if (signal !== undefined && typeof signal?.addEventListener !== 'function') throw wrong('signal', 'an AbortSignal', signal);
  if (visible !== undefined && typeof visible !== 'boolean') throw wrong('visible', 'true or false', visible);
  return { url: parseUrl(url), ticket, transports: toTransports(transport), formats: parseFormats(formats), renewTicket, signal, visible };
}

function parseUrl(url: unknown): string {
  const parsed = typeof url === 'string' ? readUrl(url) : null;
  const isGateway = parsed !== null && /^https?:$/.test(parsed.protocol) && `${parsed.username}${parsed.search}${parsed.hash}` === '';
  if (!isGateway) throw wrong('url', 'the address of the gateway like https://qrcast.example.com, without query or fragment', url);
  return parsed.href.replace(/\/+$/, '');
}

/** Like `URL.parse`, which the oldest supported browsers lack. */
function readUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null; // TypeError
  }
}

function parseFormats(formats: unknown): readonly Format[] | undefined {
  if (formats === undefined) return undefined;
  const isList = Array.isArray(formats) && formats.length > 0 && formats.every((format) => format === 'image' || format === 'text');
  if (!isList) throw wrong('formats', "a list of 'image' and 'text' with at least one of them", formats);
  return [...new Set<Format>(formats)];
}

function toTransports(transport: NonNullable<WatchOptions['transport']>): readonly [Transport, ...Transport[]] {
  if (transport === 'auto') return hasWebSocket() ? [webSocket(), sse(), longPoll()] : [sse(), longPoll()];
  if (transport === 'sse') return [sse()];
  if (transport === 'long-poll') return [longPoll()];
  if (transport === 'websocket') {
    if (!hasWebSocket()) throw wrong('transport', "'auto', 'sse' or 'long-poll', because there is no WebSocket here", transport);
    return [webSocket()];
  }
  if (typeof transport?.open === 'function' && typeof transport.name === 'string') return [transport];
  throw wrong('transport', "'auto', 'websocket', 'sse', 'long-poll' or socketIo(io)", transport);
}

function wrong(option: string, expected: string, came: unknown): TypeError {
  const name = option === 'options' ? option : `options.${option}`;
  return new TypeError(`watchSession: ${name}: expected ${expected} (came: ${kindOf(came)})`);
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return `array of ${value.length}`;
  return typeof value === 'string' ? `string of ${value.length}` : typeof value;
}
