/**
 * Headers for browsers on every answer of this port. Routes, Socket.IO and Node itself give
 * answers, and so does the parser for what it could not read.
 */

import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { pathPrefixOf } from '@qrcast/core/public-url';

/**
 * For answers that are no pages. If a browser ever treats one as a page, it can load nothing, run
 * nothing and not be framed.
 */
const HEADERS = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin', // has no effect on CORS calls
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

const YEAR_SECONDS = 31_536_000;

export type AnswerHeaders = Readonly<Record<string, string>>;

/**
 * Strict-Transport-Security is sent only for a host that is ours alone. Below a path of somebody
 * else's host, the owner of the host decides. It does not include subdomains, which are not ours
 * either.
 * @param publicUrl where browsers reach us; unset on a developer's machine
 * @param hstsSeconds how long a browser keeps to https; 0 for not at all, a year if left out
 */
export function answerHeaders(publicUrl: string | undefined, hstsSeconds: number = YEAR_SECONDS): AnswerHeaders {
  const isHostOurs = publicUrl?.startsWith('https:') === true && pathPrefixOf(publicUrl) === '';
  return isHostOurs && hstsSeconds > 0 ? { ...HEADERS, 'strict-transport-security': `max-age=${hstsSeconds}` } : HEADERS;
}

/**
 * For the option `ServerResponse` of Node's server: an answer that has the headers from the start.
 * Whoever sends the answer may replace them. It is a class, unlike most of this code, because Node
 * sends some answers by itself (no Host, an unknown Expect) and no listener sees those.
 */
export function answerWith(headers: AnswerHeaders): typeof ServerResponse {
  return class<Request extends IncomingMessage> extends ServerResponse<Request> {
    constructor(...args: ConstructorParameters<typeof ServerResponse<Request>>) {
      super(...args);
      for (const [name, value] of Object.entries(headers)) this.setHeader(name, value);
    }
  };
}

/**
 * Adds the headers to upgrades, and to what is answered instead of one. The WebSocket libraries
 * write these heads to the bare socket. Call it when their listeners are there.
 */
export function addUpgradeHeaders(http: Server, headers: AnswerHeaders): void {
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  http.prependListener('upgrade', (_request, socket: Duplex) => addToHead(socket, fields.join('')));
}

/**
 * Adds the fields to the first write, if that is the head of an answer, and then restores the
 * socket.
 */
function addToHead(socket: Duplex, fields: string): void {
  const { write, end } = socket;
  const widened = ([chunk, ...rest]: unknown[]): unknown[] => {
    Object.assign(socket, { write, end });
    return typeof chunk === 'string' ? [chunk.replace(/^HTTP\/1\.1 [^\r]*\r\n/, (line) => line + fields), ...rest] : [chunk, ...rest];
  };
  Object.assign(socket, {
    write: (...args: unknown[]) => Reflect.apply(write, socket, widened(args)),
    end: (...args: unknown[]) => Reflect.apply(end, socket, widened(args)),
  });
}
