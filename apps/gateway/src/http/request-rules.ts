/**
 * Refuses requests that are wrong whatever they ask for: secrets in a URL, where logs would keep
 * them, and addresses or headers that two readers could understand in two ways.
 */

import type { IncomingMessage } from 'node:http';
import { RefusedError } from '@qrcast/core/errors';
import { withoutInvisible } from '@qrcast/core/invisible';
import { percentDecoded } from '@qrcast/core/percent-encoding';

/**
 * Names under which people put secrets into a URL, in lower case and without anything but letters.
 */
const SECRET_NAMES: ReadonlySet<string> = new Set([
  'accesstoken',
  'adminkey',
  'apikey',
  'apitoken',
  'auth',
  'authorization',
  'bearer',
  'jwt',
  'key',
  'password',
  'secret',
  'ticket',
  'token',
  'webhooktoken',
]);

/** If such a header comes twice, a proxy in front of us may use the other one. */
const ONCE_ONLY: ReadonlySet<string> = new Set(['authorization', 'host', 'origin']);

const API_PATH = /^\/v1(\/|$)/i;

/**
 * False for a lone `%` and for bytes that are not UTF-8: the query parser of the router would read
 * them as something else.
 */
export function hasReadableQuery(url: string | undefined): boolean {
  return percentDecoded(url?.split(/\?(.*)/s)[1] ?? '') !== null;
}

/** True for the calls of operators, tenants and the provider, in whatever spelling of the path. */
export function isApiPath(url: string | undefined): boolean {
  const path = pathOf(url);
  return API_PATH.test(percentDecoded(path) ?? path);
}

/** The path as it was sent, without the query. A request line may also hold a whole URL. */
export function pathOf(url: string | undefined): string {
  return (url ?? '').split('?', 1)[0]?.replace(/^https?:\/\/[^/]*/i, '') ?? '';
}

/**
 * True if the query of the URL has a parameter with the name of a secret, or holds a ticket.
 * Proxies and browsers write URLs down.
 */
export function namesSecret(url: string | undefined): boolean {
  const [, query = ''] = (url ?? '').split(/\?(.*)/s);
  if (query === '') return false;
  const names = [...new URLSearchParams(query).keys()];
  return names.some((name) => SECRET_NAMES.has(name.toLowerCase().replace(/[^a-z]/g, ''))) || holdsTicket(query);
}

/**
 * Every ticket begins with `{"alg":` in base64url. Case is ignored, because links lose it on their
 * way.
 */
const TICKET_BEGIN = /eyJhbGciOi/i;

/**
 * Whether part of a URL holds a ticket, however often it was encoded and whatever invisible
 * characters were inserted.
 */
export function holdsTicket(text: string): boolean {
  return TICKET_BEGIN.test(readable(text));
}

/** `%2523` is `#` encoded twice, as by a mail program and then a messenger. */
const MAX_DECODINGS = 3;

/** The text decoded and without invisible characters. Bytes that encode no text become U+FFFD. */
export function readable(text: string): string {
  let now = text;
  for (let i = 0; i < MAX_DECODINGS && now.includes('%'); i++) {
    now = now.replace(/(?:%[0-9a-f]{2})+/gi, (run) => percentDecoded(run) ?? '\ufffd');
  }
  return withoutInvisible(now);
}

/** @throws {RefusedError} `invalid_request`. */
export function requireSoundRequest({ url, rawHeaders }: IncomingMessage): void {
  if (namesSecret(url)) {
    throw new RefusedError(
      'invalid_request',
      'expected no secret in the URL, where logs keep it; send it as Authorization: Bearer <secret>, and treat this one as known to others',
    );
  }
  const path = pathOf(url);
  // A proxy that blocks paths by their text would not recognize the encoded form.
  if (path.includes('%') && isApiPath(path)) {
    throw new RefusedError('invalid_request', 'expected a path below /v1 with nothing percent-encoded in it; no id of ours needs that');
  }
  if (!hasReadableQuery(url)) {
    throw new RefusedError('invalid_request', 'expected a query that is percent-encoded UTF-8');
  }
  const names = rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
  const twice = names.find((name, i) => ONCE_ONLY.has(name) && names.indexOf(name) !== i);
  if (twice !== undefined) throw new RefusedError('invalid_request', `expected the header ${twice} at most once`);
}
