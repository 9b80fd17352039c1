/** What is wrong with a request whatever it asks for: secrets where logs would keep them, and headers that two readers could read two ways. */

import type { IncomingMessage } from 'node:http';
import { RefusedError } from '@qrcast/core/errors';

/** Names under which people put secrets into a URL, in small letters alone. */
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

/** A proxy in front may believe the other one. */
const ONCE_ONLY: ReadonlySet<string> = new Set(['authorization', 'host', 'origin']);

const API_PATH = /^(https?:\/\/[^/]*)?\/v1(\/|$)/i;

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // no encoding of anything
  }
}

/** False for a lone `%`, and for bytes that are not UTF-8: the router's reader would take them for something else. */
function isDecodable(query: string): boolean {
  try {
    decodeURIComponent(query);
    return true;
  } catch {
    return false; // its only error: no encoding of anything
  }
}

/** True if the query of this URL bears the name of a secret. Proxies and browsers write URLs down. */
export function namesSecret(url: string | undefined): boolean {
  const [, query = ''] = (url ?? '').split(/\?(.*)/s);
  return query !== '' && [...new URLSearchParams(query).keys()].some((name) => SECRET_NAMES.has(name.toLowerCase().replace(/[^a-z]/g, '')));
}

/** @throws {RefusedError} `invalid_request`. */
export function requireSoundRequest({ url, rawHeaders }: IncomingMessage): void {
  if (namesSecret(url)) {
    throw new RefusedError(
      'invalid_request',
      'expected no secret in the URL, where logs keep it; send it as Authorization: Bearer <secret>, and treat this one as known to others',
    );
  }
  const path = url?.split('?', 1)[0] ?? '';
  // A proxy that guards a path by its words would not know it again.
  if (path.includes('%') && API_PATH.test(decoded(path))) {
    throw new RefusedError('invalid_request', 'expected a path below /v1 with nothing percent-encoded in it; no id of ours needs that');
  }
  if (!isDecodable(url?.split(/\?(.*)/s)[1] ?? '')) {
    throw new RefusedError('invalid_request', 'expected a query that is percent-encoded UTF-8');
  }
  const names = rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
  const twice = names.find((name, i) => ONCE_ONLY.has(name) && names.indexOf(name) !== i);
  if (twice !== undefined) throw new RefusedError('invalid_request', `expected the header ${twice} at most once`);
}
