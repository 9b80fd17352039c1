/**
 * The caller, for the audit log and the ids in logs. AsyncLocalStorage carries it, so no signature needs it: only the edge knows the address, only the end writes an entry, and nothing
 * between them needs either.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingHttpHeaders } from 'node:http';
import type { AuditActor } from '@qrcast/core/audit';
import { setLogContext } from '@qrcast/runtime/log';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AddressOf } from '../http/client-address.ts';
import { requestIdOf } from '../http/request-id.ts';
import type { Principal } from './auth.ts';

export interface Caller {
  /** Of the request, or of the one that opened the connection. Null for what no request began. */
  readonly requestId: string | null;
  readonly address: string | null;
  readonly userAgent: string | null;
  /**
   * Set when it is known. Never set for a connection with several tickets: there each call names
   * its principal, see `asPrincipal`.
   */
  actor: AuditActor;
  tenantId: string | null;
}

const storage = new AsyncLocalStorage<Caller>();
const MAX_USER_AGENT = 120;

export function createCaller(address: string, headers: IncomingHttpHeaders, requestId: string = requestIdOf(headers)): Caller {
  return {
    requestId,
    address: address === '' ? null : address, // a connection that has ended has none
    userAgent: headers['user-agent']?.slice(0, MAX_USER_AGENT) ?? null,
    actor: { kind: 'unknown', id: null },
    tenantId: null,
  };
}

/** Whatever `run` calls sees this caller. */
export function asCaller<T>(caller: Caller, run: () => T): T {
  return storage.run(caller, run);
}

/** Whatever `run` calls is done by this principal, whichever other tickets the connection has. */
export function asPrincipal<T>(principal: Principal, run: () => T): T {
  const { requestId = null, address = null, userAgent = null } = currentCaller() ?? {};
  return asCaller({ requestId, address, userAgent, actor: actorOf(principal), tenantId: principal.tenantId }, run);
}

export function actorOf(principal: Principal): AuditActor {
  return principal.kind === 'tenant' ? { kind: 'key', id: principal.keyId } : { kind: 'ticket', id: principal.ticket.id };
}

/** Undefined if there is no call: this service acts by itself. */
export const currentCaller = (): Caller | undefined => storage.getStore();

/** From now on each line that is logged for a caller has the id of the request. */
function logRequestIds(): void {
  setLogContext(() => {
    const requestId = currentCaller()?.requestId ?? null;
    return requestId === null ? {} : { requestId };
  });
}

/**
 * Sets the caller of every request, and again after its body was read, because reading it loses the
 * storage.
 */
export function addCallers(app: FastifyInstance, addressOf: AddressOf): void {
  logRequestIds();
  const callers = new WeakMap<FastifyRequest, Caller>();
  app.addHook('onRequest', (request, _reply, done) => {
    const caller = createCaller(addressOf(request.raw), request.headers, request.id);
    callers.set(request, caller);
    asCaller(caller, done);
  });
  app.addHook('preValidation', (request, _reply, done) => {
    const caller = callers.get(request);
    if (caller === undefined) done();
    else asCaller(caller, done);
  });
}
