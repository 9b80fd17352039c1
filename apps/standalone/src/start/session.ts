/** A session opened over the public API like anybody else's, with a ticket that lasts as long as it does: for `start` and for `login`. */

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
  /** Breaks a call off. */
  readonly signal?: AbortSignal;
}

export interface StartedSession {
  readonly sessionId: string;
  readonly ticket: string;
  readonly pageUrl: string;
  /** False if a live session of the instance was found: the request's other fields were not applied to it. */
  readonly isNew: boolean;
}

/**
 * `code`: the gateway's own, or `unreachable` where nobody answered as a gateway does. `connection`: why not, where there was no answer at
 * all.
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
 * `lastsSeconds`, 60 to 86400: the page stays open on somebody's screen for longer than a ticket's usual quarter of an hour.
 * @throws {GatewayError} with the gateway's own words if it refuses.
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

/** @throws {GatewayError} with the gateway's own words if it refuses. */
export async function callGateway(
  access: GatewayAccess,
  method: string,
  path: string,
  { body, timeoutMs = CALL_TIMEOUT_MS }: { readonly body?: object; readonly timeoutMs?: number } = {},
): Promise<{ status: number; answer: unknown }> {
  const { url, apiKey, signal } = access;
  const timeout = AbortSignal.timeout(timeoutMs);
  const init = {
    method,
    headers: { authorization: `Bearer ${apiKey}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
  };
  try {
    const response = await fetch(`${url}${path}`, init);
    const text = await response.text();
    if (response.ok) return { status: response.status, answer: text === '' ? null : JSON.parse(text) };
    const problem = problemSchema.safeParse(parsed(text)).data;
    if (problem !== undefined) throw new GatewayError(problem.code, problem.detail);
    throw new GatewayError('unreachable', `${url} answered ${response.status}, and not as a qrcast gateway does`);
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
    return null; // somebody else's page of an error
  }
}
