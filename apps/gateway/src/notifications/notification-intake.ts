/**
 * Decides who may notify us, and how much at once. It decides from the headers, before the body is
 * read, because the body of a stranger may be large.
 */

import type { IncomingHttpHeaders } from 'node:http';
import { RefusedError } from '@qrcast/core/errors';
import type { Logger } from '@qrcast/runtime/log';
import type { FastifyRequest } from 'fastify';
import type { TenantRates } from '../limits/tenant-rates.ts';
import { createThrottledWarning } from '../limits/throttled-warning.ts';
import type { Tenant, Tenants } from '../tenants/tenants.ts';
import { createBodyBudget } from './body-budget.ts';
import { NOTIFICATION_LIMIT_BYTES, type ReadNotification } from './notification-body.ts';
import { tokensIn } from './webhook-tokens.ts';

export interface NotificationRoute {
  Params: { tenantId: string };
  Body: ReadNotification | undefined;
}
export type NotificationRequest = FastifyRequest<NotificationRoute>;

export interface NotificationIntake {
  /**
   * Checks the webhook token, counts the call, and reserves the declared bytes of its body.
   * Resolves to the tenant. Neither counts nor reserves anything for a suspended tenant.
   * @throws {RefusedError} `unauthenticated`, `too_many_requests`.
   */
  admit(request: NotificationRequest): Promise<Tenant>;
  /**
   * Reserves and counts bytes of a body whose length was not declared. Call it before they are
   * kept. @throws {RefusedError} `too_many_requests`.
   */
  grow(request: NotificationRequest, from: number, to: number): Promise<void>;
  /** The tenant that `admit` found, so that nothing has to read it again. */
  tenantOf(request: NotificationRequest): Tenant;
  /**
   * Releases the bytes of the body. Call from `onSend`, which also runs after the caller has
   * disconnected.
   */
  release(request: Pick<FastifyRequest, 'raw'>): void;
}

export interface NotificationIntakeDeps {
  readonly tenants: Pick<Tenants, 'findByWebhookToken'>;
  readonly rates: TenantRates;
  readonly log: Logger;
}

/** A large body costs as much as several small ones, so every so many bytes count as one call. */
const BYTES_PER_CALL = 64 * 1024;
/** Bytes of one tenant under way at this gateway: a few large bodies, or hundreds of usual ones. */
const BYTES_AT_ONCE = 16 * 1024 * 1024;

const WRONG_TOKEN = "a notification with a wrong webhook token was refused; does webhookUrlToken at the provider equal the tenant's?";

export function createNotificationIntake({ tenants, rates, log }: NotificationIntakeDeps): NotificationIntake {
  const budget = createBodyBudget(BYTES_AT_ONCE);
  const admitted = new WeakMap<FastifyRequest['raw'], Tenant>();
  const warnOfToken = createThrottledWarning({ log, now: () => performance.now() }, WRONG_TOKEN);

  function tenantOf({ raw }: NotificationRequest): Tenant {
    const tenant = admitted.get(raw);
    if (tenant === undefined) throw new Error('the request was not admitted');
    return tenant;
  }

  return {
    tenantOf,

    async admit(request) {
      const { params, headers, raw } = request;
      const tenant = await tenants.findByWebhookToken(params.tenantId, tokensIn(headers.authorization));
      if (tenant === null) {
        warnOfToken();
        throw new RefusedError('unauthenticated', 'expected the webhook token of this tenant in the Authorization header');
      }
      if (tenant.suspended) return tenant; // its body is not read
      const bytes = declaredBytes(headers);
      await rates.take(tenant, 'webhookCallsPerMinute', callsOf(bytes));
      budget.reserve(tenant.id, request, bytes);
      admitted.set(raw, tenant);
      return tenant;
    },

    async grow(request, from, to) {
      const tenant = tenantOf(request);
      budget.reserve(tenant.id, request, to - from);
      // The first call was counted when the request was admitted.
      const more = callsOf(to) - callsOf(from);
      if (more > 0) await rates.take(tenant, 'webhookCallsPerMinute', more);
    },

    release: budget.release,
  };
}

const callsOf = (bytes: number): number => Math.max(1, Math.ceil(bytes / BYTES_PER_CALL));

/** 0 if no length is declared: then the bytes are counted as they come. */
function declaredBytes({ 'content-length': length }: IncomingHttpHeaders): number {
  return Math.min(Number(length ?? 0), NOTIFICATION_LIMIT_BYTES);
}
