/** Whose pages may show the login page of a session in a frame of their own: those its tenant names. */

import { RefusedError } from '@qrcast/core/errors';
import { originOf } from '@qrcast/core/origin';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import type { Tenants } from '../tenants/tenants.ts';

/** Origins; none where there is no such session, which looks like one that nobody may frame. */
export type FramersOf = (sessionId: string) => Promise<readonly string[]>;

export function createFramers({ sessions, tenants }: { sessions: Pick<Sessions, 'find'>; tenants: Pick<Tenants, 'get'> }): FramersOf {
  return async (sessionId) => {
    const session = await sessions.find(sessionId);
    if (session === null) return [];
    try {
      const { allowedOrigins } = await tenants.get(session.tenantId);
      // Some were stored before origins had one form.
      return allowedOrigins.flatMap((origin) => originOf(origin) ?? []);
    } catch (error) {
      if (error instanceof RefusedError) return []; // the tenant was deleted
      throw error;
    }
  };
}
