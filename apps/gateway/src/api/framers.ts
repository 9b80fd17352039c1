/** Which pages may show the login page of a session in a frame: those that its tenant lists. */

import { RefusedError } from '@qrcast/core/errors';
import { originOf } from '@qrcast/core/origin';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import type { Tenants } from '../tenants/tenants.ts';

/** Resolves to origins. A session that does not exist has none, like one that nobody may frame. */
export type FramersOf = (sessionId: string) => Promise<readonly string[]>;

export function createFramers({ sessions, tenants }: { sessions: Pick<Sessions, 'find'>; tenants: Pick<Tenants, 'get'> }): FramersOf {
  return async (sessionId) => {
    const session = await sessions.find(sessionId);
    if (session === null) return [];
    try {
      const { allowedOrigins } = await tenants.get(session.tenantId);
      // Some were stored before origins were normalized.
      return allowedOrigins.flatMap((origin) => originOf(origin) ?? []);
    } catch (error) {
      if (error instanceof RefusedError) return []; // the tenant was deleted
      throw error;
    }
  };
}
