/**
 * Bounds the bytes of request bodies that one tenant may have under way at this gateway. A body
 * stays in memory until its request is answered. Without a bound, callers that send slowly or all
 * at once could fill the memory.
 */

import { RefusedError } from '@qrcast/core/errors';
import type { FastifyRequest } from 'fastify';

export interface BodyBudget {
  /** Call before these bytes of the body are read. @throws {RefusedError} `too_many_requests`. */
  reserve(tenantId: string, request: Pick<FastifyRequest, 'raw'>, bytes: number): void;
  /**
   * Call from `onSend`, which also runs after the caller has disconnected. Does nothing if the
   * request reserved no bytes.
   */
  release(request: Pick<FastifyRequest, 'raw'>): void;
}

/** Bytes are released as soon as a request under way is answered. */
const RETRY_AFTER_MS = 1_000;

export function createBodyBudget(maxBytes: number): BodyBudget {
  const reserved = new Map<string, number>();
  const reservations = new WeakMap<FastifyRequest['raw'], { readonly tenantId: string; readonly bytes: number }>();

  return {
    reserve(tenantId, { raw }, bytes) {
      // The caller has gone: no body comes, and `release` would not be called.
      if (bytes === 0 || raw.destroyed) return;
      const sum = (reserved.get(tenantId) ?? 0) + bytes;
      if (sum > maxBytes) {
        const detail = `expected at most ${maxBytes} bytes of bodies at once for this tenant; send it again`;
        throw new RefusedError('too_many_requests', detail, { retryAfterMs: RETRY_AFTER_MS });
      }
      reserved.set(tenantId, sum);
      reservations.set(raw, { tenantId, bytes: (reservations.get(raw)?.bytes ?? 0) + bytes });
    },

    release({ raw }) {
      const mine = reservations.get(raw);
      if (mine === undefined) return;
      reservations.delete(raw);
      const left = (reserved.get(mine.tenantId) ?? 0) - mine.bytes;
      if (left > 0) reserved.set(mine.tenantId, left);
      else reserved.delete(mine.tenantId);
    },
  };
}
