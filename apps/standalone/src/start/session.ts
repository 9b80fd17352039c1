/**
 * For `start` and `login`: creates a session over the public API, with a ticket that lasts as long
 * as the session.
 */

import { CONNECTION_CAUSES, type ConnectionCause } from '@qrcast/core/connection-cause';
import { connectionCause } from '@qrcast/core/connection-fault';
import { wireSessionSchema } from '@qrcast/core/wire';
import { z } from 'zod';

const createdSchema = z.object({ session: wireSessionSchema, ticket: z.string(), pageUrl: z.string() });
const ticketSchema = z.object({ ticket: z.string() });
const problemSchema = z.object({ code: z.string(), detail: z.string() });

export interface GatewayAccess {
  readonly url: string;
  readonly apiKey: string;
  /** Aborts a call. */
  readonly signal?: AbortSignal;
}

export interface StartedSession {
  readonly sessionId: string;
  readonly ticket: string;
  readonly pageUrl: string;
  /**
   * False if the instance had a live session. The other fields of the request were not applied to
   * it.
   */
  readonly isNew: boolean;
}

/**
 * `code` is the gateway's own, or `unreachable` if nobody answered like a gateway. `connection`
 * says why there was no answer at all.
 */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: string;
  readonly connection: ConnectionCause | null;

  constructor(
    code: string,
    detail: string,
    { connection = null, ...options }: { cause?: unknown; connection?: ConnectionCause | null } = {},
  ) {
    super(detail, options);
    this.code = code;
    this.connection = connection;
  }
}

const A_DAY_SECONDS = 86_400;
const CALL_TIMEOUT_MS = 15_000;

/**
 * @param lastsSeconds 60 to 86400. A page may stay open for longer than the quarter of an hour that
 * a ticket usually lasts.
 * @throws {GatewayError} with the gateway's own text if it refuses
 */
export async function createSession(
  access: GatewayAccess,
  body: Record<string, unknown>,
  lastsSeconds = A_DAY_SECONDS,
): Promise<StartedSession> {
  const created = await callGateway(access, 'POST', '/v1/sessions', { body: { ...body, expiresInSeconds: lastsSeconds } });
  const { session, pageUrl } = createdSchema.parse(created.answer);
  const issued = await callGateway(access, 'POST', `/v1/sessions/${session.id}/tickets`, { body: { expiresInSeconds: lastsSeconds } });
  const { ticket } = ticketSchema.parse(issued.answer);
  return { sessionId: session.id, ticket, pageUrl: pageUrl.replace(/#.*$/, `#${ticket}`), isNew: created.status === 201 };
}

/** @throws {GatewayError} */
export async function cancelSession(access: GatewayAccess, sessionId: string): Promise<void> {
  await callGateway(access, 'DELETE', `/v1/sessions/${sessionId}`);
}

/** @throws {GatewayError} with the gateway's own text if it refuses */
export async function callGateway(
  access: GatewayAccess,
  method: string,
  path: string,
  { body, timeoutMs = CALL_TIMEOUT_MS }: { readonly body?: object; readonly timeoutMs?: number } = {},
): Promise<{ status: number; answer: unknown }> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const init = {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    signal: access.signal === undefined ? timeout : AbortSignal.any([access.signal, timeout]),
  };
  return askGateway(access, path, init, async (response) => {
    const text = await response.text();
    return { status: response.status, answer: text === '' ? null : JSON.parse(text) };
  });
}

/**
 * Resolves to what `read` makes of the answer to a call that succeeded.
 *
 * @throws {GatewayError} with the gateway's own text if it refuses, or `unreachable`
 */
export async function askGateway<T>(
  { url, apiKey, signal }: GatewayAccess,
  path: string,
  init: Omit<RequestInit, 'headers'> & { readonly headers?: Readonly<Record<string, string>> },
  read: (response: Response) => Promise<T>,
): Promise<T> {
  try {
    const response = await fetch(`${url}${path}`, { ...init, headers: { authorization: `Bearer ${apiKey}`, ...init.headers } });
    if (response.ok) return await read(response);
    const problem = problemSchema.safeParse(parsed(await response.text())).data;
    if (problem !== undefined) throw new GatewayError(problem.code, problem.detail);
    throw new GatewayError('unreachable', `${url} answered ${response.status}, but not like a qrcast gateway`);
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    signal?.throwIfAborted();
    const connection = connectionCause(error);
    const why = connection === 'other' ? '' : ` (${CONNECTION_CAUSES[connection]})`;
    throw new GatewayError('unreachable', `no qrcast gateway answers at ${url}${why}`, { cause: error, connection });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // an error page of another server
  }
}
