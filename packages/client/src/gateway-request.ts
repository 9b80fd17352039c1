/** HTTP to the gateway about the ticket's own session. The ticket goes into the header, never into the URL, and nowhere but there. */

import { LOST, parseClosed } from './closed.ts';
import { parseJson } from './messages.ts';
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
  return fetch(`${url}/v1/sessions/self${path}${query?.size ? `?${query}` : ''}`, {
    method,
    headers: { ...headers, authorization: `Bearer ${ticket}` },
    ...(body === undefined ? {} : { body }),
    signal,
    cache: 'no-store',
    credentials: 'omit',
    redirect: 'error', // a ticket or a password must not go where somebody else points
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

/** Of an answer that is not what was asked for. One that is not the gateway's own counts as the network's. */
export async function readRefusal(response: Response): Promise<Closed> {
  const seconds = Number(response.headers.get('retry-after'));
  return parseClosed(await readProblem(response)) ?? { ...LOST, retryAfterMs: seconds > 0 ? seconds * 1_000 : 0 };
}
