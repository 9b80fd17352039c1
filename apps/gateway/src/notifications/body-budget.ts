/**
 * How many bytes of bodies may be under way at this gateway for one tenant: what its callers send slowly, or all at once, is held in memory
 * until it is answered.
 */

import { RefusedError } from '@qrcast/core/errors';
import type { FastifyRequest } from 'fastify';

export interface BodyRoom {
  /** Before the body is read, or more of it. @throws {RefusedError} `too_many_requests`. */
  take(tenantId: string, request: Pick<FastifyRequest, 'raw'>, bytes: number): void;
  /** When the answer is made, whatever it is: one is made, for nobody, also when the caller goes. Of a request without room nothing. */
  giveBack(request: Pick<FastifyRequest, 'raw'>): void;
}

/** Room is free again as soon as what is under way is answered. */
const RETRY_AFTER_MS = 1_000;

export function createBodyRoom(maxBytes: number): BodyRoom {
  const sums = new Map<string, number>();
  const taken = new WeakMap<FastifyRequest['raw'], { readonly tenantId: string; readonly bytes: number }>();

  return {
    take(tenantId, { raw }, bytes) {
      if (bytes === 0 || raw.destroyed) return; // of a caller who is gone already no body comes, and no answer is made
      const sum = (sums.get(tenantId) ?? 0) + bytes;
      if (sum > maxBytes) {
        const detail = `expected at most ${maxBytes} bytes of bodies at once for this tenant; send it again`;
        throw new RefusedError('too_many_requests', detail, { retryAfterMs: RETRY_AFTER_MS });
      }
      sums.set(tenantId, sum);
      taken.set(raw, { tenantId, bytes: (taken.get(raw)?.bytes ?? 0) + bytes });
    },

    giveBack({ raw }) {
      const mine = taken.get(raw);
      if (mine === undefined) return;
      taken.delete(raw);
      const left = (sums.get(mine.tenantId) ?? 0) - mine.bytes;
      if (left > 0) sums.set(mine.tenantId, left);
      else sums.delete(mine.tenantId);
    },
  };
}
