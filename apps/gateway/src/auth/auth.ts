/**
 * Authentication: the `Authorization` header, or a stream's ticket, becomes a principal. A secret
 * is never taken from a URL.
 */

import { noSuchSession, RefusedError } from '@qrcast/core/errors';
import { originOf } from '@qrcast/core/origin';
import type { Session } from '@qrcast/core/session';
import type { RateLimit } from '@qrcast/core/tenant-limits';
import { bearerOf, isApiKey } from '../http/bearer.ts';
import type { SessionRates } from '../limits/session-rates.ts';
import type { TenantRates } from '../limits/tenant-rates.ts';
import { hashSecret, matchesHash } from '../tenants/secrets.ts';
import { mustStand, type TenantStanding } from '../tenants/tenant-standing.ts';
import type { Tenant, Tenants } from '../tenants/tenants.ts';
import { createRecentSet } from './recent-set.ts';
import type { Ticket, Tickets } from './tickets.ts';

export type Principal =
  | { readonly kind: 'tenant'; readonly tenantId: string; readonly tenant: Tenant; readonly keyId: string }
  | { readonly kind: 'viewer'; readonly tenantId: string; readonly tenant: Tenant; readonly ticket: Ticket };

export type ViewerPrincipal = Extract<Principal, { kind: 'viewer' }>;

export interface Auth {
  /**
   * For a call, with a tenant's API key or a ticket.
   * @throws {RefusedError} `unauthenticated`, `origin_not_allowed`, `forbidden` while suspended,
   * `too_many_requests`.
   */
  identify(authorization: string | undefined, origin: string | undefined): Promise<Principal>;
  /** For a stream. @throws {RefusedError} the same. */
  identifyTicket(ticket: string, origin: string | undefined): Promise<ViewerPrincipal>;
  /** @throws {RefusedError} `unauthenticated`, also while the admin API is off. */
  requireAdmin(authorization: string | undefined): void;
}

/** Recognises good credentials without a look-up. */
export interface KnownCredentials {
  /**
   * True for a ticket of ours, the admin key, and an API key that was good lately: this caller does
   * not guess.
   */
  isKnown(authorization: string | undefined): Promise<boolean>;
}

export interface AuthDeps {
  readonly tenants: Pick<Tenants, 'findByKey'>;
  readonly standing: Pick<TenantStanding, 'require'>;
  readonly rates: TenantRates;
  readonly sessionRates: SessionRates;
  readonly tickets: Tickets;
  /** Unset: the admin API is off. */
  readonly adminKey: string | undefined;
  /**
   * The address of our own page. Its origin is always allowed, because we hand the page its ticket.
   */
  readonly publicUrl: () => string;
}

/** Twice the keys of a thousand tenants. */
const MAX_GOOD_KEYS = 4_000;

export function createAuth(deps: AuthDeps): Auth & KnownCredentials {
  const goodKeys = createRecentSet(MAX_GOOD_KEYS);
  const adminHash = deps.adminKey === undefined ? null : hashSecret(deps.adminKey);

  async function identifyKey(secret: string): Promise<Principal> {
    const found = await deps.tenants.findByKey(secret);
    const hash = hashSecret(secret);
    if (found === null) {
      goodKeys.delete(hash);
      throw new RefusedError('unauthenticated', 'the API key is not known; was it removed?');
    }
    goodKeys.add(hash);
    const tenant = mustStand(found.tenant);
    await deps.rates.take(tenant, 'requestsPerMinute');
    return { kind: 'tenant', tenantId: tenant.id, tenant, keyId: found.keyId };
  }

  return {
    async identify(authorization, origin) {
      const secret = bearerOf(authorization);
      if (secret === null) throw new RefusedError('unauthenticated', 'expected the header Authorization: Bearer <API key or ticket>');
      return isApiKey(authorization) ? identifyKey(secret) : identifyTicket(deps, secret, origin, 'requestsPerMinute');
    },

    identifyTicket: (ticket, origin) => identifyTicket(deps, ticket, origin, 'handshakesPerMinute'),

    async isKnown(authorization) {
      const secret = bearerOf(authorization);
      if (secret === null) return false;
      if (adminHash !== null && matchesHash(secret, adminHash)) return true;
      return isApiKey(authorization) ? goodKeys.has(hashSecret(secret)) : deps.tickets.isOurs(secret);
    },

    requireAdmin(authorization) {
      const secret = bearerOf(authorization);
      if (adminHash === null) throw new RefusedError('unauthenticated', 'the admin API is off; set QRCAST_ADMIN_KEY to turn it on');
      if (secret === null || !matchesHash(secret, adminHash))
        throw new RefusedError('unauthenticated', 'expected the header Authorization: Bearer <admin key>');
    },
  };
}

async function identifyTicket(deps: AuthDeps, text: string, origin: string | undefined, rate: RateLimit): Promise<ViewerPrincipal> {
  const ticket = await deps.tickets.read(text);
  requireOrigin(ticket, origin, deps.publicUrl());
  const tenant = await deps.standing.require(ticket.tenantId);
  deps.sessionRates.take(ticket.sessionId, tenant, rate);
  // After the session's rate, or a ticket that calls without end would have Redis asked without
  // end.
  await deps.tickets.requireUnrevoked(ticket);
  await deps.rates.take(tenant, rate);
  return { kind: 'viewer', tenantId: tenant.id, tenant, ticket };
}

/** A program sends no origin. @throws {RefusedError} `origin_not_allowed`. */
function requireOrigin({ origins }: Ticket, origin: string | undefined, publicUrl: string): void {
  if (origins.length === 0 || origin === undefined) return;
  const sent = originOf(origin);
  const own = originOf(URL.parse(publicUrl)?.origin ?? '');
  if (sent !== null && (sent === own || origins.some((one) => originOf(one) === sent))) return;
  const why =
    sent === null
      ? 'came: no origin, as a sandboxed frame and a file have none; give the frame allow-same-origin, or serve the page'
      : `came: ${sent}`;
  throw new RefusedError(
    'origin_not_allowed',
    `this ticket may not be used from this origin; name the origin when you make the ticket (${why})`,
  );
}

/** Admits only an API key. @throws {RefusedError} `forbidden` for a ticket. */
export function requireTenant(principal: Principal): Extract<Principal, { kind: 'tenant' }> {
  if (principal.kind === 'tenant') return principal;
  throw new RefusedError('forbidden', 'this call needs the API key; a ticket only watches its session');
}

/**
 * A session the principal may not see does not exist for it. @throws {RefusedError} `not_found`.
 */
export function requireSession(principal: Principal, sessionId: string, session: Session | null): Session {
  const isTheirs = session !== null && session.tenantId === principal.tenantId;
  const isInScope = principal.kind === 'tenant' || principal.ticket.sessionId === sessionId;
  if (!isTheirs || !isInScope) throw noSuchSession();
  return session;
}

/** @throws {RefusedError} `forbidden` for a ticket without the scope. */
export function requireScope(principal: Principal, scope: 'view' | 'password'): void {
  if (principal.kind === 'viewer' && !principal.ticket.scopes.includes(scope)) {
    throw new RefusedError('forbidden', `the ticket has no scope "${scope}"; name it when you make the ticket`);
  }
}

/**
 * Whether the principal may see codes and accounts. A ticket can have the scope `password` alone.
 */
export function mayView(principal: Principal): boolean {
  return principal.kind === 'tenant' || principal.ticket.scopes.includes('view');
}
