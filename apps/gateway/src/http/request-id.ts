/**
 * The id of a request: it is in the answer, and in each line that is logged while the request is
 * served. An id that a proxy has given is kept, so that both logs tell of one request.
 */

import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** A UUID, or 32 hexadecimal digits as nginx makes them. Anything else could be a secret, and would get into the log. */
const GIVEN = /^(?:[0-9a-f]{32}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})$/i;

export const REQUEST_ID_HEADER = 'x-request-id';

export function requestIdOf({ [REQUEST_ID_HEADER]: given }: IncomingHttpHeaders): string {
  return typeof given === 'string' && GIVEN.test(given) ? given : randomUUID();
}
