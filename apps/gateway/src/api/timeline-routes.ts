/** `/v1/sessions/:id/timeline` and `/v1/admin/sessions/:id/timeline`: what happened to a session. */

import { noSuchSession } from '@qrcast/core/errors';
import type { Timeline } from '@qrcast/core/timeline';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import type { FastifyInstance } from 'fastify';
import { type Auth, requireSession, requireTenant } from '../auth/auth.ts';
import type { SessionPath } from '../sessions/session-lookup.ts';

export interface TimelineRoutesDeps {
  readonly auth: Auth;
  readonly sessions: Pick<Sessions, 'find' | 'timeline'>;
}

/** Neither call counts as watching. Both answer for as long as the record is kept, also of an expired session. */
export function addTimelineRoutes(app: FastifyInstance, { auth, sessions }: TimelineRoutesDeps): void {
  async function timelineOf(sessionId: string): Promise<Timeline> {
    const timeline = await sessions.timeline(sessionId);
    if (timeline === null) throw noSuchSession();
    return timeline;
  }

  app.get<SessionPath>('/v1/sessions/:id/timeline', async ({ headers, params }) => {
    const principal = await auth.identify(headers.authorization, headers.origin);
    const session = requireSession(principal, params.id, await sessions.find(params.id));
    requireTenant(principal);
    return timelineOf(session.id);
  });

  app.get<SessionPath>('/v1/admin/sessions/:id/timeline', async ({ headers, params }) => {
    auth.requireAdmin(headers.authorization);
    return timelineOf(params.id);
  });
}
