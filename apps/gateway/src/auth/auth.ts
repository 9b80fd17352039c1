/** Who calls: the `Authorization` header (or a stream's ticket) becomes a principal. A secret is never taken from a URL. */

import { RefusedError } from '@qrcast/core/errors';
import { originOf } from '@qrcast/core/origin';
import type { Session } from '@qrcast/core/session';
import type { RateLimit } from '@qrcast/core/tenant-limits';
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
  /** A tenant's key or a viewer's ticket. @throws {RefusedError} `unauthenticated`, `origin_not_allowed`, `forbidden` while suspended, `too_many_requests`. */
  identify(authorization: string | undefined, origin: string | undefined): Promise<Principal>;
  /** For a stream. @throws {RefusedError} the same. */
  identifyTicket(ticket: string, origin: string | undefined): Promise<ViewerPrincipal>;
  /** @throws {RefusedError} `unauthenticated`, also while the admin API is off. */
  requireAdmin(authorization: string | undefined): void;
}

/** Credentials as they are told apart before anything is looked up. */
export interface KnownCredentials {
  /** A ticket of ours, the admin key, or an API key that was good lately: its caller is not who guesses. */
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
  /** Our own page's address: its origin is always allowed, for we hand it the ticket. */
  readonly publicUrl: () => string;
}

/** Twice as many as a thousand tenants have. */
const MAX_GOOD_KEYS = 4_000;

export function createAuth({ tenants, standing, rates, sessionRates, tickets, adminKey, publicUrl }: AuthDeps): Auth & KnownCredentials {
  const goodKeys = createRecentSet(MAX_GOOD_KEYS);
  const adminHash = adminKey === undefined ? null : hashSecret(adminKey);

  async function identifyTicket(text: string, origin: string | undefined, rate: RateLimit): Promise<ViewerPrincipal> {
    const ticket = await tickets.read(text);
    requireOrigin(ticket, origin);
    const tenant = await standing.require(ticket.tenantId);
    sessionRates.take(ticket.sessionId, tenant, rate);
    await tickets.requireUnrevoked(ticket); // after the share: one that calls without end must not have Redis asked without end
    await rates.take(tenant, rate);
    return { kind: 'viewer', tenantId: tenant.id, tenant, ticket };
  }

  /** A program sends none. @throws {RefusedError} `origin_not_allowed`. */
  function requireOrigin({ origins }: Ticket, origin: string | undefined): void {
    if (origins.length === 0 || origin === undefined) return;
    const sent = originOf(origin);
    const own = originOf(URL.parse(publicUrl())?.origin ?? '');
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

  return {
    async identify(authorization, origin) {
      const secret = bearerOf(authorization);
      if (secret === null) throw new RefusedError('unauthenticated', 'expected the header Authorization: Bearer <API key or ticket>');
      if (!isApiKey(authorization)) return identifyTicket(secret, origin, 'requestsPerMinute');
      const found = await tenants.findByKey(secret);
      const hash = hashSecret(secret);
      if (found === null) {
        goodKeys.delete(hash);
        throw new RefusedError('unauthenticated', 'the API key is not known; was it removed?');
      }
      goodKeys.add(hash);
      const tenant = mustStand(found.tenant);
      await rates.take(tenant, 'requestsPerMinute');
      return { kind: 'tenant', tenantId: tenant.id, tenant, keyId: found.keyId };
    },

    identifyTicket: (ticket, origin) => identifyTicket(ticket, origin, 'handshakesPerMinute'),

    async isKnown(authorization) {
      const secret = bearerOf(authorization);
      if (secret === null) return false;
      if (adminHash !== null && matchesHash(secret, adminHash)) return true;
      return isApiKey(authorization) ? goodKeys.has(hashSecret(secret)) : tickets.isOurs(secret);
    },

    requireAdmin(authorization) {
      const secret = bearerOf(authorization);
      if (adminHash === null) throw new RefusedError('unauthenticated', 'the admin API is off; set QRCAST_ADMIN_KEY to turn it on');
      if (secret === null || !matchesHash(secret, adminHash))
        throw new RefusedError('unauthenticated', 'expected the header Authorization: Bearer <admin key>');
    },
  };
}

/** As what the header's credential is taken at the tenants' door; null where it bears none. */
export function credentialIn(authorization: string | undefined): 'api_key' | 'ticket' | null {
  if (bearerOf(authorization) === null) return null;
  return isApiKey(authorization) ? 'api_key' : 'ticket';
}

/** Whether the header bears a tenant's key, be it a good one. */
export function isApiKey(authorization: string | undefined): boolean {
  return bearerOf(authorization)?.startsWith('qk_') === true;
}

/** Only a tenant's own key. @throws {RefusedError} `forbidden` for a ticket. */
export function requireTenant(principal: Principal): Extract<Principal, { kind: 'tenant' }> {
  if (principal.kind === 'tenant') return principal;
  throw new RefusedError('forbidden', 'this call needs the API key; a ticket only watches its session');
}

/** A session the principal may not see does not exist for it. @throws {RefusedError} `not_found`. */
export function requireSession(principal: Principal, sessionId: string, session: Session | null): Session {
  const isTheirs = session !== null && session.tenantId === principal.tenantId;
  const isInScope = principal.kind === 'tenant' || principal.ticket.sessionId === sessionId;
  if (!isTheirs || !isInScope) throw new RefusedError('not_found', 'there is no such session, or it is not yours');
  return session;
}

/** @throws {RefusedError} `forbidden` for a ticket without the scope. */
export function requireScope(principal: Principal, scope: 'view' | 'password'): void {
  if (principal.kind === 'viewer' && !principal.ticket.scopes.includes(scope)) {
    throw new RefusedError('forbidden', `the ticket has no scope "${scope}"; name it when you make the ticket`);
  }
}

/** Whether the principal may see codes and accounts. A ticket can have the scope `password` alone. */
export function mayView(principal: Principal): boolean {
  return principal.kind === 'tenant' || principal.ticket.scopes.includes('view');
}

function bearerOf(authorization: string | undefined): string | null {
  return /^Bearer ([^\s]{1,4096})$/i.exec(authorization ?? '')?.[1] ?? null;
}
