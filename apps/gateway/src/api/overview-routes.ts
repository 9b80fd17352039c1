/** `/v1/overview`, `/v1/admin/overview` and `/v1/admin/sessions`: what goes on, for who may see it. */

import { listAllSessionsSchema, watchOverviewSchema } from '@qrcast/core/overview';
import { parseRequest } from '@qrcast/core/requests';
import type { FastifyInstance } from 'fastify';
import { type Auth, requireTenant } from '../auth/auth.ts';
import { beginOverviewStream, type OverviewStreamDeps } from '../overview/overview-stream.ts';
import type { SessionPages } from '../overview/session-pages.ts';

export interface OverviewRoutesDeps extends OverviewStreamDeps {
  readonly auth: Auth;
  readonly sessionPages: SessionPages;
}

/** None of the calls is a watch. A stream is no answer to HEAD. */
export function addOverviewRoutes(app: FastifyInstance, deps: OverviewRoutesDeps): void {
  const { auth, sessionPages } = deps;

  app.get('/v1/overview', { exposeHeadRoute: false }, async ({ headers }, reply) => {
    const { tenantId, keyId } = requireTenant(await auth.identify(headers.authorization, headers.origin));
    beginOverviewStream(deps, reply, { tenantId, holder: { tenantId, keyId } });
    return reply;
  });

  app.get('/v1/admin/overview', { exposeHeadRoute: false }, async ({ headers, query }, reply) => {
    auth.requireAdmin(headers.authorization);
    const { tenantId = null } = parseRequest(watchOverviewSchema, query);
    beginOverviewStream(deps, reply, { tenantId, holder: null });
    return reply;
  });

  app.get('/v1/admin/sessions', async ({ headers, query }) => {
    auth.requireAdmin(headers.authorization);
    return sessionPages(parseRequest(listAllSessionsSchema, query));
  });
}
