/** `/v1/audit` and `/v1/admin/audit`: a tenant or the operator reads the audit log. */

import { type AuditEntry, listAllAuditSchema, listAuditSchema } from '@qrcast/core/audit';
import { parseRequest } from '@qrcast/core/requests';
import type { AuditLog } from '@qrcast/runtime/audit/audit-log';
import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import { type Auth, requireTenant } from '../auth/auth.ts';

export interface AuditRoutesDeps {
  readonly auth: Auth;
  readonly audit: Pick<AuditLog, 'read'>;
}

type Query = z.output<typeof listAuditSchema>;

/**
 * Entries read for one page of a filtered list; the cursor continues from there. This keeps one
 * call from costing many times as much as another.
 */
const MAX_SCANNED = 400;
const BATCH = 200;

export function addAuditRoutes(app: FastifyInstance, { auth, audit }: AuditRoutesDeps): void {
  async function page(tenantId: string | null, { limit, cursor, from, to, sessionId, action }: Query) {
    const entries: AuditEntry[] = [];
    let last = cursor;
    for (let scanned = 0; scanned < MAX_SCANNED; scanned += BATCH) {
      const batch = await audit.read({ tenantId, from, to, cursor: last, limit: BATCH });
      for (const entry of batch.entries) {
        if (sessionId !== undefined && entry.sessionId !== sessionId) continue;
        if (action !== undefined && entry.action !== action) continue;
        entries.push(entry);
        if (entries.length === limit) return { entries, nextCursor: entry.id };
      }
      if (batch.nextCursor === null) return { entries, nextCursor: null };
      last = batch.nextCursor;
    }
    return { entries, nextCursor: last ?? null };
  }

  app.get('/v1/audit', async (request) => {
    const { tenantId } = requireTenant(await auth.identify(request.headers.authorization, request.headers.origin));
    return page(tenantId, parseRequest(listAuditSchema, request.query));
  });

  app.get('/v1/admin/audit', async (request) => {
    auth.requireAdmin(request.headers.authorization);
    const { tenantId = null, ...query } = parseRequest(listAllAuditSchema, request.query);
    return page(tenantId, query);
  });
}
