/**
 * Tickets: short-lived rights to watch one session, safe in a browser. They are JWTs (HS256) under
 * a key that is derived from the keyring, so every gateway verifies them without a look-up. Only
 * revocation needs one.
 */

import { RefusedError } from '@qrcast/core/errors';
import type { Scope } from '@qrcast/core/requests';
import type { Keyring } from '@qrcast/runtime/keyring/keyring';
import type { Clock } from '@qrcast/runtime/redis/clock';
import { revokedTicketsKey } from '@qrcast/runtime/redis/keys';
import { loadLuaScript } from '@qrcast/runtime/redis/lua-script';
import type { RedisClient } from '@qrcast/runtime/redis/redis-client';
import { errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { newId } from '../tenants/secrets.ts';
import { createRecentSet } from './recent-set.ts';

export interface Ticket {
  readonly id: string;
  readonly tenantId: string;
  readonly sessionId: string;
  readonly scopes: readonly Scope[];
  /** Origins of the pages that may use it; empty for any. */
  readonly origins: readonly string[];
  /** Unix ms. */
  readonly expiresAt: number;
}

export interface Tickets {
  issue(fields: Omit<Ticket, 'id'>): Promise<{ ticket: string; ticketId: string }>;
  /**
   * Reads a ticket by its signature and time, without a look-up. Whoever admits its caller calls
   * `requireUnrevoked`, too.
   * @throws {RefusedError} `unauthenticated`: not a ticket of ours, or (`TicketEndedError`)
   * expired, or seen by this gateway to be revoked.
   */
  read(ticket: string): Promise<Ticket>;
  /** The only look-up. @throws {TicketEndedError} if the ticket was revoked. */
  requireUnrevoked(ticket: Pick<Ticket, 'id' | 'tenantId'>): Promise<void>;
  /**
   * @throws {RefusedError} `too_many_requests` if the tenant has revoked more than `MAX_REVOKED` in
   * a day.
   */
  revoke(tenantId: string, ticketId: string): Promise<void>;
  isRevoked(ticket: Pick<Ticket, 'id' | 'tenantId'>): Promise<boolean>;
  /** Whether we issued it, even if it has expired since. Without a look-up. */
  isOurs(ticket: string): Promise<boolean>;
}

/** The longest life of a ticket, and so of a revocation. */
const MAX_TICKET_MS = 86_400_000;
/**
 * Revocations of one tenant in a day. They take some 20 MB. Without a bound every call of a tenant could leave
 * something behind for a day.
 */
const MAX_REVOKED = 200_000;
/** A guess: it is not known when the count falls below the limit. */
const REVOKE_RETRY_AFTER_MS = 60_000;
/**
 * Revoked tickets that were shown to this gateway. Shown again, they cost no look-up and use up
 * nothing of their session's rate. Some 1 MB.
 */
const MAX_SEEN_REVOKED = 10_000;
export const DEFAULT_TICKET_SECONDS = 900;
const ISSUER = 'qrcast';
const TICKET_ID = /^tkt_[A-Za-z0-9_-]{16}$/;

const claimsSchema = z.object({
  jti: z.string(),
  sub: z.string(),
  tid: z.string(),
  scope: z.array(z.enum(['view', 'password'])),
  org: z.array(z.string()).default([]),
  exp: z.number(),
});

/** How a good ticket ends; also the name of the close code. */
export type TicketEnd = 'ticket_expired' | 'ticket_revoked';

/**
 * A ticket of ours that is no longer valid. A call is told `unauthenticated`; a stream is told
 * which end it was.
 */
export class TicketEndedError extends RefusedError {
  readonly end: TicketEnd;

  constructor(end: TicketEnd) {
    super('unauthenticated', `the ticket ${end === 'ticket_expired' ? 'has expired' : 'was revoked'}; ask your backend for a new one`);
    this.end = end;
  }
}

export interface TicketsDeps {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly maxRevoked?: number;
}

export function createTickets(deps: TicketsDeps): Tickets {
  const signer = createSigner(deps);
  const { isSeenRevoked, isRevoked, revoke } = createRevokedTickets(deps);
  return {
    isRevoked,
    revoke,
    issue: signer.sign,

    isOurs: (ticket) =>
      signer.verify(ticket).then(
        () => true,
        (error: unknown) => error instanceof TicketEndedError, // any other error: it is not ours
      ),

    async read(text) {
      const ticket = await signer.verify(text);
      if (isSeenRevoked(ticket)) throw new TicketEndedError('ticket_revoked');
      return ticket;
    },

    async requireUnrevoked(ticket) {
      if (await isRevoked(ticket)) throw new TicketEndedError('ticket_revoked');
    },
  };
}

interface Signer {
  sign: Tickets['issue'];
  /** @throws {RefusedError} `unauthenticated`; `TicketEndedError` if the ticket has expired. */
  verify(text: string): Promise<Ticket>;
}

function createSigner({ keyring, clock }: TicketsDeps): Signer {
  const keys = keyring.derive('tickets');
  const current = keys[0];
  if (current === undefined) throw new Error('the keyring is empty');

  function keyById(id: string | undefined): Uint8Array {
    const found = keys.find((key) => key.id === id);
    if (found === undefined) throw new Error('no such key');
    return found.key;
  }

  return {
    async sign(fields) {
      const ticketId = newId('tkt');
      const ticket = await new SignJWT({
        tid: fields.tenantId,
        scope: [...fields.scopes],
        ...(fields.origins.length === 0 ? {} : { org: [...fields.origins] }),
      })
        .setProtectedHeader({ alg: 'HS256', kid: current.id })
        .setIssuer(ISSUER)
        .setSubject(fields.sessionId)
        .setJti(ticketId)
        .setExpirationTime(Math.floor(fields.expiresAt / 1000))
        .sign(current.key);
      return { ticket, ticketId };
    },

    async verify(text) {
      try {
        const { payload } = await jwtVerify(text, ({ kid }) => keyById(kid), {
          algorithms: ['HS256'],
          issuer: ISSUER,
          currentDate: new Date(clock.now()),
        });
        return ticketOf(claimsSchema.parse(payload));
      } catch (error) {
        if (error instanceof errors.JWTExpired) throw new TicketEndedError('ticket_expired');
        throw new RefusedError(
          'unauthenticated',
          'expected a ticket as it came from POST /v1/sessions or, in an Authorization header, an API key (qk_…); the admin key is for /v1/admin',
        );
      }
    },
  };
}

function ticketOf(claims: z.infer<typeof claimsSchema>): Ticket {
  return {
    id: claims.jti,
    tenantId: claims.tid,
    sessionId: claims.sub,
    scopes: claims.scope,
    origins: claims.org,
    expiresAt: claims.exp * 1000,
  };
}

interface RevokedTickets extends Pick<Tickets, 'isRevoked' | 'revoke'> {
  /** Whether this gateway has seen the ticket to be revoked, without a look-up. */
  isSeenRevoked(ticket: Pick<Ticket, 'id' | 'tenantId'>): boolean;
}

function createRevokedTickets({ redis, namespace, clock, maxRevoked = MAX_REVOKED }: TicketsDeps): RevokedTickets {
  const revokeScript = loadLuaScript(redis, new URL('./ticket-revoke-1.lua', import.meta.url));
  /** A revocation is never taken back. */
  const seen = createRecentSet(MAX_SEEN_REVOKED);
  const nameOf = ({ id, tenantId }: Pick<Ticket, 'id' | 'tenantId'>): string => `${tenantId} ${id}`;

  return {
    isSeenRevoked: (ticket) => seen.has(nameOf(ticket)),

    async isRevoked(ticket) {
      if (seen.has(nameOf(ticket))) return true;
      if ((await redis.zscore(revokedTicketsKey(namespace, ticket.tenantId), ticket.id)) === null) return false;
      seen.add(nameOf(ticket));
      return true;
    },

    async revoke(tenantId, ticketId) {
      if (!TICKET_ID.test(ticketId)) return; // not an id of ours: there is nothing to revoke
      const now = clock.now();
      const args = [ticketId, now, now + MAX_TICKET_MS, maxRevoked];
      if ((await revokeScript([revokedTicketsKey(namespace, tenantId)], args)) === 1) return;
      throw new RefusedError(
        'too_many_requests',
        `${maxRevoked} tickets were revoked within a day, and no more are taken; cancel the session instead, or let the ticket expire`,
        { retryAfterMs: REVOKE_RETRY_AFTER_MS },
      );
    },
  };
}
