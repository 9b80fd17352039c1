/**
 * Receives the notifications of the provider. The answer is 200 only after the change is stored,
 * because the provider sends again whatever was answered otherwise. It is also 200 for everything
 * that does not concern us, because the provider holds back all that follows an unanswered one.
 */

import { notifiedInstanceSchema, stateNotificationSchema } from '@qrcast/core/notification';
import { notificationUrl } from '@qrcast/core/notification-address';
import { traced } from '@qrcast/runtime/tracing/tracing';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { createThrottledWarning } from '../limits/throttled-warning.ts';
import type { LastNotifications } from './last-notifications.ts';
import { NOTIFICATION_LIMIT_BYTES, parseNotifications } from './notification-body.ts';
import {
  createNotificationIntake,
  type NotificationIntake,
  type NotificationIntakeDeps,
  type NotificationRequest,
  type NotificationRoute,
} from './notification-intake.ts';
import type { NotificationRelay } from './notification-relay.ts';
import { createStateNotifications, type StateNotificationsDeps } from './state-notifications.ts';

export interface NotificationRoutesDeps extends NotificationIntakeDeps, StateNotificationsDeps {
  readonly relay: NotificationRelay;
  readonly lastNotifications: Pick<LastNotifications, 'note'>;
}

export function addNotificationRoutes(app: FastifyInstance, deps: NotificationRoutesDeps): void {
  const intake = createNotificationIntake(deps);
  const handler = createHandler(deps, intake);
  app.register(
    async (scope) => {
      // This scope has one route, so every request is one of it.
      parseNotifications(scope, (request, from, to) => intake.grow(request as NotificationRequest, from, to));
      // Also with a slash at the end, by Fastify's `prefixTrailingSlash`.
      scope.post<NotificationRoute>('/', {
        bodyLimit: NOTIFICATION_LIMIT_BYTES,
        async onRequest(request, reply) {
          const tenant = await intake.admit(request);
          // Ignored while suspended: if it were refused, it would come again and hold back
          // everything after it. The polls find a login later.
          if (tenant.suspended) return reply.status(200).send({});
          // A malformed type would be refused before the body is read.
          request.headers['content-type'] = 'application/json';
        },
        onSend: async (request) => intake.release(request),
        handler,
      });
    },
    { prefix: notificationUrl('', ':tenantId') },
  );
}

type Handler = (request: NotificationRequest, reply: FastifyReply) => Promise<FastifyReply>;

function createHandler(deps: NotificationRoutesDeps, intake: NotificationIntake): Handler {
  const takeState = createStateNotifications(deps);
  const { relay, lastNotifications, log } = deps;
  const warnOfBody = createThrottledWarning(
    { log, now: () => performance.now() },
    'a notification was accepted but not passed on: its body is not JSON in UTF-8, and the envelope can hold nothing else',
  );

  return async (request, reply) => {
    const tenant = intake.tenantOf(request);
    const { body } = request;
    const state = stateNotificationSchema.safeParse(body?.value);
    const about = notifiedInstanceSchema.safeParse(body?.value).data?.instanceData;
    const noted = about === undefined ? null : lastNotifications.note(tenant.id, about.idInstance);
    // The state comes first: a notification may be sent again any number of times, and the session
    // must not wait for a server that is down.
    if (state.success) await traced('notification', { 'qrcast.tenant': tenant.id }, (note) => takeState(tenant.id, state.data, note));
    if (body?.text != null) await relay.passOn(tenant, { ...body, text: body.text });
    else warnOfBody({ tenantId: tenant.id, bytes: body?.bytes ?? 0 });
    await noted;
    return reply.status(200).send({});
  };
}
