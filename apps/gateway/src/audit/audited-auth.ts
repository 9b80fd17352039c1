/** Records refused credentials of the API and of streams, and stores in the caller who it is. */

import type { AuditCredential } from '@qrcast/core/audit';
import type { Auth } from '../auth/auth.ts';
import { actorOf, currentCaller } from '../auth/caller.ts';
import { credentialIn } from '../http/bearer.ts';
import type { AuditedRefusals } from './audited-refusals.ts';

export function auditedAuth(auth: Auth, refusals: AuditedRefusals): Auth {
  async function tellingRefusals<T>(credential: AuditCredential | null, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      refusals.note(error, 'tenant_api', credential);
      throw error;
    }
  }

  return {
    async identify(authorization, origin) {
      const principal = await tellingRefusals(credentialIn(authorization), () => auth.identify(authorization, origin));
      const caller = currentCaller();
      // A request has one credential, so its holder does everything that follows in it.
      if (caller !== undefined) Object.assign(caller, { actor: actorOf(principal), tenantId: principal.tenantId });
      return principal;
    },
    // The caller is not set here: a stream may carry several tickets, and this one may yet be
    // refused.
    identifyTicket: (ticket, origin) => tellingRefusals('ticket', () => auth.identifyTicket(ticket, origin)),
    requireAdmin(authorization) {
      try {
        auth.requireAdmin(authorization);
      } catch (error) {
        refusals.note(error, 'admin_api', credentialIn(authorization) === null ? null : 'admin_key');
        throw error;
      }
      const caller = currentCaller();
      if (caller !== undefined) caller.actor = { kind: 'operator', id: null };
    },
  };
}
