/**
 * HTTP requests to the gateway about the ticket's own session. The ticket goes into the header
 * only, never into the URL.
 */

import { FOREIGN, LOST, parseClosed } from './closed.ts';
import { parseJson } from './messages.ts';
import { parseRetryAfter } from './retry-after.ts';
import type { Closed, OpenRequest } from './types.ts';

export type GatewayPath = '' | '/events' | '/password' | '/resume' | '/start-over';

export interface GatewayRequest {
  readonly url: string;
  readonly ticket: string;
  /** Below `/v1/sessions/self`. */
  readonly path: GatewayPath;
  readonly query?: URLSearchParams;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

export function requestGateway({ url, ticket, path, query, method = 'GET', headers, body, signal }: GatewayRequest): Promise<Response> {
  const search = String(query ?? ''); // not `query.size`: in a browser without it the query would silently be left out
  return fetch(`${url}/v1/sessions/self${path}${search === '' ? '' : `?${search}`}`, {
    method,
    headers: { ...headers, authorization: `Bearer ${ticket}` },
    ...(body === undefined ? {} : { body }),
    signal,
    cache: 'no-store',
    credentials: 'omit',
    redirect: 'manual', // a ticket or a password must not follow a redirect to another server
  });
}

/** The query of an HTTP transport, for what the other transports send in messages. */
export function viewQuery({ formats, visible }: Pick<OpenRequest, 'formats' | 'visible'>): URLSearchParams {
  const query = new URLSearchParams();
  if (formats !== undefined) query.set('formats', formats.join(','));
  if (!visible) query.set('visible', 'false');
  return query;
}

/** Reads the problem in a response. Returns null if the response is not the gateway's. */
export async function readProblem(response: Response): Promise<unknown> {
  const text = await response.text(); // always: an unread body keeps its connection busy
  return response.headers.get('content-type')?.startsWith('application/problem+json') === true ? parseJson(text) : null;
}

/**
 * Statuses that a proxy answers temporarily, because the gateway is away or there are too many
 * requests.
 */
const FOR_NOW: ReadonlySet<number> = new Set([408, 425, 429]);

/**
 * Reads a response that is not the expected one. A response that is not the gateway's own counts as
 * a network failure (`LOST`) if it is temporary, else as `FOREIGN`. A `retryAfterMs` in the body
 * comes from the gateway and is finer than the header `Retry-After`, so it takes precedence.
 */
export async function readRefusal(response: Response): Promise<Closed> {
  const headerMs = readRetryAfter(response);
  const isForNow = response.status >= 500 || FOR_NOW.has(response.status);
  const closed = parseClosed(await readProblem(response)) ?? (isForNow ? LOST : FOREIGN);
  return closed.retryAfterMs > 0 ? closed : { ...closed, retryAfterMs: headerMs };
}

/**
 * Uses the clock of the server that responded if it sent `Date`, because the viewer's may be wrong
 * by hours.
 */
function readRetryAfter({ headers }: Response): number {
  const sentAt = Date.parse(headers.get('date') ?? '');
  return parseRetryAfter(headers.get('retry-after'), Number.isNaN(sentAt) ? Date.now() : sentAt);
}
