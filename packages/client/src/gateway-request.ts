/** HTTP to the gateway about the ticket's own session. The ticket goes into the header, never into the URL, and nowhere but there. */

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
  const search = String(query ?? ''); // not `size`: where that is missing, the query would be left out without a word
  return fetch(`${url}/v1/sessions/self${path}${search === '' ? '' : `?${search}`}`, {
    method,
    headers: { ...headers, authorization: `Bearer ${ticket}` },
    ...(body === undefined ? {} : { body }),
    signal,
    cache: 'no-store',
    credentials: 'omit',
    redirect: 'manual', // a ticket or a password must not go where somebody else points
  });
}

/** How HTTP says what the other streams say in messages. */
export function viewQuery({ formats, visible }: Pick<OpenRequest, 'formats' | 'visible'>): URLSearchParams {
  const query = new URLSearchParams();
  if (formats !== undefined) query.set('formats', formats.join(','));
  if (!visible) query.set('visible', 'false');
  return query;
}

/** The problem an answer tells; null if it is not the gateway's own. */
export async function readProblem(response: Response): Promise<unknown> {
  const text = await response.text(); // in any case: a body left unread keeps its connection busy
  return response.headers.get('content-type')?.startsWith('application/problem+json') === true ? parseJson(text) : null;
}

/** Statuses by which proxies say that the gateway is away, or that there is too much of something just now. */
const FOR_NOW: ReadonlySet<number> = new Set([408, 425, 429]);

/**
 * Of an answer that is not what was asked for. One that is not the gateway's own counts as the network's, or as somebody else's. The hint of
 * the body is the gateway's and the finer one; without it the header counts.
 */
export async function readRefusal(response: Response): Promise<Closed> {
  const headerMs = readRetryAfter(response);
  const isForNow = response.status >= 500 || FOR_NOW.has(response.status);
  const closed = parseClosed(await readProblem(response)) ?? (isForNow ? LOST : FOREIGN);
  return closed.retryAfterMs > 0 ? closed : { ...closed, retryAfterMs: headerMs };
}

/** By the clock of whoever answered, where it can be read: the viewer's may be wrong by hours. */
function readRetryAfter({ headers }: Response): number {
  const sentAt = Date.parse(headers.get('date') ?? '');
  return parseRetryAfter(headers.get('retry-after'), Number.isNaN(sentAt) ? Date.now() : sentAt);
}
