/** `/v1/sessions/{id}/webhook`: a backend asks whether the instance notifies us, or has it set. */

import { parseRequest } from '@qrcast/core/requests';
import { setWebhookSchema } from '@qrcast/core/webhook-check';
import type { FastifyInstance } from 'fastify';
import { requireTenant } from '../auth/auth.ts';
import type { SessionLookup, SessionPath } from '../sessions/session-lookup.ts';
import type { WebhookSetup } from './webhook-setup.ts';

export interface WebhookSetupRoutesDeps {
  /** Not the look-up that records a read as a watch: no code is shown here. */
  readonly theirSession: SessionLookup;
  readonly webhookSetup: WebhookSetup;
}

export function addWebhookSetupRoutes(app: FastifyInstance, { theirSession, webhookSetup }: WebhookSetupRoutesDeps): void {
  app.get<SessionPath>('/v1/sessions/:id/webhook', async (request) => {
    const { principal, session } = await theirSession(request);
    const { tenant } = requireTenant(principal);
    return { webhook: await webhookSetup.check(session, tenant) };
  });

  app.post<SessionPath>('/v1/sessions/:id/webhook', async (request) => {
    const { principal, session } = await theirSession(request);
    const { tenant } = requireTenant(principal);
    return webhookSetup.set(session, tenant, parseRequest(setWebhookSchema, request.body));
  });
}
