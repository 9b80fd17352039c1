/**
 * What one network address may do before it has said who it is: so many handshakes and so many failed credentials a minute. In memory and for
 * this gateway alone: it keeps a flood from costing anything, and one address from another's share.
 */

import type { IncomingMessage } from 'node:http';
import { RefusedError } from '@qrcast/core/errors';
import { ADDRESS_LIMITS, type AddressLimit, type AddressLimits } from '@qrcast/core/tenant-limits';
import type { Logger } from '@qrcast/runtime/log';
import type { FastifyInstance } from 'fastify';
import { type AddressOf, addressGroup } from '../http/client-address.ts';
import { createTokenBuckets } from '../limits/token-buckets.ts';
import type { KnownCredentials } from './auth.ts';
import { TicketEndedError } from './tickets.ts';

export interface AddressRates {
  readonly addressOf: AddressOf;
  /** Whose limits it counts against. */
  readonly groupOf: AddressOf;
  /** Counts a handshake for a stream. Null: go on; else why not. */
  refuseHandshake(request: IncomingMessage): RefusedError | null;
  /** Null: its credential may be looked at. */
  refuseCall(request: IncomingMessage): RefusedError | null;
  /** Its credential was none. */
  countFailure(request: IncomingMessage): void;
}

export interface AddressRatesDeps {
  readonly addressOf: AddressOf;
  readonly limits: AddressLimits;
  readonly log: Logger;
  /** Ms; need not be the time of day. */
  readonly now: () => number;
}

const WARN_EVERY_MS = 60_000;

export function createAddressRates({ addressOf, limits, log, now }: AddressRatesDeps): AddressRates {
  const { handshakesPerAddressPerMinute, failuresPerAddressPerMinute } = limits;
  const groupOf: AddressOf = (request) => addressGroup(addressOf(request));
  const [handshakes, failures] = [createTokenBuckets(now), createTokenBuckets(now)];
  let warnedAt = Number.NEGATIVE_INFINITY;

  function refusal(limit: AddressLimit, waitMs: number): RefusedError {
    if (now() - warnedAt >= WARN_EVERY_MS) {
      warnedAt = now();
      log.warn({ limit }, 'an address is over its limit; if that is your proxy, name it in QRCAST_TRUSTED_PROXIES');
    }
    const detail = `limit ${limit}: ${limits[limit]} (${ADDRESS_LIMITS[limit].words}); wait`;
    return new RefusedError('too_many_requests', detail, { limit, retryAfterMs: waitMs });
  }

  return {
    addressOf,
    groupOf,
    refuseHandshake(request) {
      const waitMs = handshakes.take(groupOf(request), handshakesPerAddressPerMinute);
      return waitMs === 0 ? null : refusal('handshakesPerAddressPerMinute', waitMs);
    },
    refuseCall(request) {
      const waitMs = failures.waitMs(groupOf(request), failuresPerAddressPerMinute);
      return waitMs === 0 ? null : refusal('failuresPerAddressPerMinute', waitMs);
    },
    countFailure: (request) => void failures.take(groupOf(request), failuresPerAddressPerMinute),
  };
}

/**
 * Every call below `/v1`: refused while its address has failed too often, unless it brings a credential that is known to be none of those
 * that fail: many people may share an address, and any page they visit can make their browsers fail. A ticket that was good once is no
 * failure, nor is a call without a credential, which costs nothing. Notifications are left out: the provider sends those of all tenants from
 * the same addresses, and one tenant's wrong token must not hold up the others'.
 */
export function addAddressRates(app: FastifyInstance, gate: AddressRates, { isKnown }: KnownCredentials): void {
  const isGated = (route: string | undefined): boolean => route?.startsWith('/v1/') === true && !route.startsWith('/v1/webhooks/');
  app.addHook('onRequest', async ({ raw, routeOptions }) => {
    const refusal = isGated(routeOptions.url) ? gate.refuseCall(raw) : null;
    if (refusal !== null && !(await isKnown(raw.headers.authorization))) throw refusal;
  });
  app.addHook('onError', async ({ raw, routeOptions }, _reply, error: Error) => {
    const isRefused = error instanceof RefusedError && error.code === 'unauthenticated' && !(error instanceof TicketEndedError);
    if (isRefused && raw.headers.authorization !== undefined && isGated(routeOptions.url)) gate.countFailure(raw);
  });
}
