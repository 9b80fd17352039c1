/**
 * Bounds what a network address may do before its caller is known: handshakes and failed
 * credentials per minute. It is counted in memory and for this gateway alone. So a flood costs
 * nothing, and one address cannot use up what another may do.
 */

import type { IncomingMessage } from 'node:http';
import { RefusedError } from '@qrcast/core/errors';
import { ADDRESS_LIMITS, type AddressLimit, type AddressLimits } from '@qrcast/core/tenant-limits';
import type { Logger } from '@qrcast/runtime/log';
import type { FastifyInstance } from 'fastify';
import { type AddressOf, addressGroup } from '../http/client-address.ts';
import { createThrottledWarning } from '../limits/throttled-warning.ts';
import { createTokenBuckets } from '../limits/token-buckets.ts';
import type { KnownCredentials } from './auth.ts';
import { TicketEndedError } from './tickets.ts';

export interface AddressRates {
  readonly addressOf: AddressOf;
  /** The group of addresses that share a rate. */
  readonly groupOf: AddressOf;
  /** Counts a handshake for a stream. Returns null to go on, or why it is refused. */
  refuseHandshake(request: IncomingMessage): RefusedError | null;
  /** Counts nothing. Returns null if the credential may be checked, or why the call is refused. */
  refuseCall(request: IncomingMessage): RefusedError | null;
  /** Counts a wrong credential. */
  countFailure(request: IncomingMessage): void;
}

export interface AddressRatesDeps {
  readonly addressOf: AddressOf;
  readonly limits: AddressLimits;
  readonly log: Logger;
  /** Ms; need not be the time of day. */
  readonly now: () => number;
}

export function createAddressRates({ addressOf, limits, log, now }: AddressRatesDeps): AddressRates {
  const { handshakesPerAddressPerMinute, failuresPerAddressPerMinute } = limits;
  const groupOf: AddressOf = (request) => addressGroup(addressOf(request));
  const [handshakes, failures] = [createTokenBuckets(now), createTokenBuckets(now)];
  const warn = createThrottledWarning(
    { log, now },
    'an address is over its limit; if that is your proxy, name it in QRCAST_TRUSTED_PROXIES',
  );

  function refusal(limit: AddressLimit, waitMs: number): RefusedError {
    warn({ limit });
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
 * Refuses every call below `/v1` while its address has failed too often. A credential that is known
 * to be good is admitted all the same, because many people may share an address, and any page that
 * they visit can make their browsers fail. Two things are no failure: a ticket that was good once,
 * and a call without a credential, which costs nothing. Notifications are left out: the provider
 * sends those of all tenants from the same addresses, and one tenant's wrong token must not block
 * the others.
 */
export function addAddressRates(app: FastifyInstance, rates: AddressRates, { isKnown }: KnownCredentials): void {
  const isBounded = (route: string | undefined): boolean => route?.startsWith('/v1/') === true && !route.startsWith('/v1/webhooks/');
  app.addHook('onRequest', async ({ raw, routeOptions }) => {
    const refusal = isBounded(routeOptions.url) ? rates.refuseCall(raw) : null;
    if (refusal !== null && !(await isKnown(raw.headers.authorization))) throw refusal;
  });
  app.addHook('onError', async ({ raw, routeOptions }, _reply, error: Error) => {
    const isRefused = error instanceof RefusedError && error.code === 'unauthenticated' && !(error instanceof TicketEndedError);
    if (isRefused && raw.headers.authorization !== undefined && isBounded(routeOptions.url)) rates.countFailure(raw);
  });
}
