/**
 * Who a call comes from, for the audit log. Carried beside the call (AsyncLocalStorage) and not through every signature on its way: only the
 * edge knows an address, only what was done is worth an entry, and nothing between the two has any business with either.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingHttpHeaders } from 'node:http';
import type { AuditActor } from '@qrcast/core/audit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AddressOf } from '../http/client-address.ts';
import type { Principal } from './auth.ts';

export interface Caller {
  readonly address: string | null;
  readonly userAgent: string | null;
  /** Set when it is known. Of a connection with several tickets never: who does something there says so, see `asPrincipal`. */
  actor: AuditActor;
  tenantId: string | null;
}

const storage = new AsyncLocalStorage<Caller>();
const MAX_USER_AGENT = 120;

export function createCaller(address: string, headers: IncomingHttpHeaders): Caller {
  return {
    address: address === '' ? null : address, // a connection that is gone has none
    userAgent: headers['user-agent']?.slice(0, MAX_USER_AGENT) ?? null,
    actor: { kind: 'unknown', id: null },
    tenantId: null,
  };
}

/** All that `run` calls is this caller's. */
export function asCaller<T>(caller: Caller, run: () => T): T {
  return storage.run(caller, run);
}

/** All that `run` calls is done by this principal, whoever else has shown a ticket on the same connection, before or meanwhile. */
export function asPrincipal<T>(principal: Principal, run: () => T): T {
  const { address = null, userAgent = null } = currentCaller() ?? {};
  return asCaller({ address, userAgent, actor: actorOf(principal), tenantId: principal.tenantId }, run);
}

export function actorOf(principal: Principal): AuditActor {
  return principal.kind === 'tenant' ? { kind: 'key', id: principal.keyId } : { kind: 'ticket', id: principal.ticket.id };
}

/** Undefined: nobody calls, it is this service itself. */
export const currentCaller = (): Caller | undefined => storage.getStore();

/** Every request is its caller's. Once more after its body, for what reads that forgets. */
export function addCallers(app: FastifyInstance, addressOf: AddressOf): void {
  const callers = new WeakMap<FastifyRequest, Caller>();
  app.addHook('onRequest', (request, _reply, done) => {
    const caller = createCaller(addressOf(request.raw), request.headers);
    callers.set(request, caller);
    asCaller(caller, done);
  });
  app.addHook('preValidation', (request, _reply, done) => {
    const caller = callers.get(request);
    if (caller === undefined) done();
    else asCaller(caller, done);
  });
}
