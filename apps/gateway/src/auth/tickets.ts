/**
 * Tickets: short-lived rights to watch one session, safe in a browser. JWTs (HS256) under a key derived from the keyring, so every gateway
 * checks them without a look-up; only revocation is one.
 */

import { RefusedError } from '@qrcast/core/errors';
import type { Scope } from '@qrcast/core/requests';
import type { Keyring } from '@qrcast/runtime/keyring/keyring';
import type { Clock } from '@qrcast/runtime/redis/clock';
import { revokedTicketsKey } from '@qrcast/runtime/redis/keys';
import { loadLuaScript } from '@qrcast/runtime/redis/lua-script';
import type { Redis } from 'ioredis';
import { errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { newId } from '../tenants/secrets.ts';
import { createRecentSet } from './recent-set.ts';

export interface Ticket {
  readonly id: string;
  readonly tenantId: string;
  readonly sessionId: string;
  readonly scopes: readonly Scope[];
  /** Pages that may use it; empty for any. */
  readonly origins: readonly string[];
  /** Unix ms. */
  readonly expiresAt: number;
}

export interface Tickets {
  issue(fields: Omit<Ticket, 'id'>): Promise<{ ticket: string; ticketId: string }>;
  /**
   * What it says, by its signature and time alone: nothing is looked up. Whoever lets it in calls `requireUnrevoked`, too.
   * @throws {RefusedError} `unauthenticated`: no ticket of ours, or (`TicketEndedError`) expired, or seen here to be revoked.
   */
  read(ticket: string): Promise<Ticket>;
  /** The one look-up. @throws {TicketEndedError} if it was revoked. */
  requireUnrevoked(ticket: Pick<Ticket, 'id' | 'tenantId'>): Promise<void>;
  /** @throws {RefusedError} `too_many_requests` where the tenant has revoked more than anybody needs. */
  revoke(tenantId: string, ticketId: string): Promise<void>;
  isRevoked(ticket: Pick<Ticket, 'id' | 'tenantId'>): Promise<boolean>;
  /** Whether we made it, be it long ago; nothing is looked up. */
  isOurs(ticket: string): Promise<boolean>;
}

/** Longest life of a ticket, hence of a revocation. */
const MAX_TICKET_MS = 86_400_000;
/** Of a tenant, within a day: some 20 MB. Without a bound every call it may make would leave something behind for a day. */
const MAX_REVOKED = 200_000;
/** When there may be room again, nobody knows. */
const REVOKE_RETRY_AFTER_MS = 60_000;
/** Revoked tickets that were shown here: shown again, they cost no look-up and nothing of what the others of their session may use. Some 1 MB. */
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

/** How a good ticket ends; also the word of the close code. */
export type TicketEnd = 'ticket_expired' | 'ticket_revoked';

/** A ticket of ours that is good no more: for a call it is no credential, a stream tells which. */
export class TicketEndedError extends RefusedError {
  readonly end: TicketEnd;

  constructor(end: TicketEnd) {
    super('unauthenticated', `the ticket ${end === 'ticket_expired' ? 'has expired' : 'was revoked'}; ask your backend for a new one`);
    this.end = end;
  }
}

export function createTickets({
  redis,
  namespace,
  keyring,
  clock,
  maxRevoked = MAX_REVOKED,
}: {
  redis: Redis;
  namespace: string;
  keyring: Keyring;
  clock: Clock;
  maxRevoked?: number;
}): Tickets {
  const revokeScript = loadLuaScript(redis, new URL('./ticket-revoke-1.lua', import.meta.url));
  const keys = keyring.derive('tickets');
  const current = keys[0];
  const seenRevoked = createRecentSet(MAX_SEEN_REVOKED);
  if (current === undefined) throw new Error('the keyring is empty');

  async function claimsOf(ticket: string): Promise<z.infer<typeof claimsSchema>> {
    try {
      const { payload } = await jwtVerify(ticket, ({ kid }) => keyById(kid), {
        algorithms: ['HS256'],
        issuer: ISSUER,
        currentDate: new Date(clock.now()),
      });
      return claimsSchema.parse(payload);
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw new TicketEndedError('ticket_expired');
      throw new RefusedError(
        'unauthenticated',
        'expected a ticket as it came from POST /v1/sessions or, in an Authorization header, an API key (qk_…); the admin key is for /v1/admin',
      );
    }
  }

  function keyById(id: string | undefined): Uint8Array {
    const found = keys.find((key) => key.id === id);
    if (found === undefined) throw new Error('no such key');
    return found.key;
  }

  const nameOf = ({ id, tenantId }: Pick<Ticket, 'id' | 'tenantId'>): string => `${tenantId} ${id}`;

  /** Once revoked is revoked for ever. */
  async function isRevoked(ticket: Pick<Ticket, 'id' | 'tenantId'>): Promise<boolean> {
    if (seenRevoked.has(nameOf(ticket))) return true;
    if ((await redis.zscore(revokedTicketsKey(namespace, ticket.tenantId), ticket.id)) === null) return false;
    seenRevoked.add(nameOf(ticket));
    return true;
  }

  return {
    isRevoked,

    isOurs: (ticket) =>
      claimsOf(ticket).then(
        () => true,
        (error: unknown) => error instanceof TicketEndedError, // else it is none
      ),

    async issue(fields) {
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

    async read(text) {
      const claims = await claimsOf(text);
      const ticket: Ticket = {
        id: claims.jti,
        tenantId: claims.tid,
        sessionId: claims.sub,
        scopes: claims.scope,
        origins: claims.org,
        expiresAt: claims.exp * 1000,
      };
      if (seenRevoked.has(nameOf(ticket))) throw new TicketEndedError('ticket_revoked');
      return ticket;
    },

    async requireUnrevoked(ticket) {
      if (await isRevoked(ticket)) throw new TicketEndedError('ticket_revoked');
    },

    async revoke(tenantId, ticketId) {
      if (!TICKET_ID.test(ticketId)) return; // none of ours: there is nothing to revoke
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
