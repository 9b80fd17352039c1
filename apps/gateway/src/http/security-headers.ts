/** What every answer on this port tells browsers, whoever gives it: a route, Socket.IO, Node itself, or the parser that could make nothing of a request. */

import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { pathPrefixOf } from '@qrcast/core/public-url';

/** For what is no page: should a browser ever take it for one, it can load nothing, run nothing and be framed by nobody. */
const HEADERS = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin', // of no effect on calls with CORS
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

const YEAR_SECONDS = 31_536_000;

export type AnswerHeaders = Readonly<Record<string, string>>;

/**
 * Strict-Transport-Security is for a host that is ours alone: below a path of somebody else's host, its owner decides. It names no subdomains,
 * which are not ours either.
 * @param publicUrl where browsers reach us; unset on a machine of one's own
 * @param hstsSeconds how long a browser keeps to https; 0 for not at all, a year if left out
 */
export function answerHeaders(publicUrl: string | undefined, hstsSeconds: number = YEAR_SECONDS): AnswerHeaders {
  const isHostOurs = publicUrl?.startsWith('https:') === true && pathPrefixOf(publicUrl) === '';
  return isHostOurs && hstsSeconds > 0 ? { ...HEADERS, 'strict-transport-security': `max-age=${hstsSeconds}` } : HEADERS;
}

/**
 * For the option `ServerResponse` of Node's server: an answer that has the headers from the start, and whoever gives it may set others in
 * their place. A class, against the rule of the house: Node gives some answers by itself (no Host, an unknown Expect), which no listener sees.
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
 * Also to what is answered instead of an upgrade, and to the upgrade itself. The WebSocket libraries write these heads to the bare socket.
 * Call it when their listeners are there.
 */
export function addUpgradeHeaders(http: Server, headers: AnswerHeaders): void {
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  http.prependListener('upgrade', (_request, socket: Duplex) => addToHead(socket, fields.join('')));
}

/** To the first that is written, if it is the head of an answer; then the socket is as it was. */
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
