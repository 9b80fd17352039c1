/** For tests without Redis: the holder of a ticket. */

import type { ViewerPrincipal } from '../src/auth/auth.ts';

export function holderOf(ticketId: string, tenantId = 'acme', sessionId = 'ses_1'): ViewerPrincipal {
  return {
    kind: 'viewer',
    tenantId,
    tenant: {
      id: tenantId,
      name: 'Acme',
      allowedOrigins: [],
      upstreamHosts: null,
      limits: {},
      callback: null,
      relay: null,
      keepConnectedDays: 30,
      checkConnectedEvery: null,
      suspended: false,
      createdAt: 0,
      keyIds: [],
    },
    ticket: { id: ticketId, tenantId, sessionId, scopes: ['view'], origins: [], expiresAt: Number.MAX_SAFE_INTEGER },
  };
}
