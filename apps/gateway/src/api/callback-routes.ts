/**
 * `/v1/callbacks…`: which callbacks a tenant's server was sent, how that went, and sending one
 * again.
 */

import { type CallbackState, listCallbacksSchema, type WireCallback } from '@qrcast/core/callback';
import { RefusedError } from '@qrcast/core/errors';
import { parseRequest } from '@qrcast/core/requests';
import type { CallbackLog, LoggedCallback } from '@qrcast/runtime/callbacks/callback-log';
import type { Outbox } from '@qrcast/runtime/outbox/outbox';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Auth, requireTenant } from '../auth/auth.ts';

export interface CallbackRoutesDeps {
  readonly auth: Auth;
  readonly callbackLog: CallbackLog;
  readonly outbox: Pick<Outbox, 'mark'>;
  readonly clock: Clock;
}

interface CallbackPath {
  Params: { callbackId: string };
}

/** Callbacks read for one page of a filtered list; the cursor continues from there. */
const MAX_SCANNED = 200;

export function addCallbackRoutes(app: FastifyInstance, { auth, callbackLog, outbox, clock }: CallbackRoutesDeps): void {
  async function tenantOf(request: FastifyRequest): Promise<string> {
    return requireTenant(await auth.identify(request.headers.authorization, request.headers.origin)).tenantId;
  }

  /** @throws {RefusedError} `not_found`. */
  async function theirCallback(tenantId: string, id: string): Promise<LoggedCallback> {
    const logged = await callbackLog.findReadable(tenantId, id);
    if (logged === null)
      throw new RefusedError('not_found', 'there is no such callback, it is older than a week, or it belongs to another tenant');
    return logged;
  }

  app.get('/v1/callbacks', async (request) => {
    const tenantId = await tenantOf(request);
    const { state, limit, cursor = null } = parseRequest(listCallbacksSchema, request.query);
    return listPage(callbackLog, tenantId, { state, limit, cursor });
  });

  app.get<CallbackPath>('/v1/callbacks/:callbackId', async (request) => ({
    callback: toWireCallback(await theirCallback(await tenantOf(request), request.params.callbackId)),
  }));

  app.post<CallbackPath>('/v1/callbacks/:callbackId/replay', async (request, reply) => {
    const tenantId = await tenantOf(request);
    const { callbackId } = request.params;
    await callbackLog.reopen(await theirCallback(tenantId, callbackId), clock.now());
    await outbox.mark({ kind: 'callback', tenantId, id: callbackId });
    return reply.status(202).send({ callback: toWireCallback(await theirCallback(tenantId, callbackId)) });
  });
}

interface Page {
  readonly state: CallbackState | undefined;
  readonly limit: number;
  readonly cursor: string | null;
}

async function listPage(
  callbackLog: CallbackLog,
  tenantId: string,
  { state, limit, cursor }: Page,
): Promise<{ callbacks: readonly WireCallback[]; nextCursor: string | null }> {
  const found: WireCallback[] = [];
  let last = cursor;
  for (let scanned = 0; scanned < MAX_SCANNED; ) {
    const ids = await callbackLog.page(tenantId, last, 100);
    if (ids.length === 0) return { callbacks: found, nextCursor: null };
    const looked = await Promise.all(ids.map(async (id) => ({ id, logged: await callbackLog.findReadable(tenantId, id) })));
    for (const { id, logged } of looked) {
      last = id; // also after an expired one, so that the next page continues behind it
      if (logged !== null && (state === undefined || logged.state === state)) found.push(toWireCallback(logged));
      if (found.length === limit) return { callbacks: found, nextCursor: last };
    }
    scanned += ids.length;
  }
  return { callbacks: found, nextCursor: last };
}

function toWireCallback({ callback, state, attempts, nextAttemptAt }: LoggedCallback): WireCallback {
  const { id, type, sessionId, createdAt } = callback;
  return { id, type, sessionId, createdAt, attempts: [...attempts], state, nextAttemptAt: state === 'pending' ? nextAttemptAt : null };
}
