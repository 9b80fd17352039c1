/**
 * Provider notifications in. Answered 200 only after the change is stored, for the provider sends again whatever was not; and 200 also for
 * all that does not concern us, for it holds back everything behind an unanswered one.
 */

import { notifiedInstanceSchema, stateNotificationSchema } from '@qrcast/core/notification';
import { notificationUrl } from '@qrcast/core/notification-address';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { createThrottledWarning } from '../limits/throttled-warning.ts';
import type { LastNotifications } from './last-notifications.ts';
import { NOTIFICATION_LIMIT_BYTES, parseNotifications } from './notification-body.ts';
import {
  createNotificationIntake,
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
  const takeState = createStateNotifications(deps);
  const { relay, lastNotifications, log } = deps;
  const warnOfBody = createThrottledWarning(
    { log, now: () => performance.now() },
    'a notification was taken and not passed on: its body is no JSON in UTF-8, and the envelope can hold nothing else',
  );

  async function take(request: NotificationRequest, reply: FastifyReply): Promise<FastifyReply> {
    const tenant = intake.tenantOf(request);
    const { body } = request;
    const state = stateNotificationSchema.safeParse(body?.value);
    const about = notifiedInstanceSchema.safeParse(body?.value).data?.instanceData;
    const noted = about === undefined ? null : lastNotifications.note(tenant.id, about.idInstance);
    // First: it may be sent again as often as it likes, and must not wait for a server that is down.
    if (state.success) await takeState(tenant.id, state.data);
    if (body?.text != null) await relay.passOn(tenant, { ...body, text: body.text });
    else warnOfBody({ tenantId: tenant.id, bytes: body?.bytes ?? 0 });
    await noted;
    return reply.status(200).send({});
  }

  app.register(
    async (scope) => {
      // There is one route in this scope.
      parseNotifications(scope, (request, from, to) => intake.grow(request as NotificationRequest, from, to));
      // With a slash at the end, too: Fastify's `prefixTrailingSlash`.
      scope.post<NotificationRoute>('/', {
        bodyLimit: NOTIFICATION_LIMIT_BYTES,
        async onRequest(request, reply) {
          const tenant = await intake.admit(request);
          // Ignored while suspended: refused, it would come again and hold back all behind it. The polls find a login later.
          if (tenant.suspended) return reply.status(200).send({});
          request.headers['content-type'] = 'application/json'; // one that makes no sense would be refused before the body is read
        },
        onSend: async (request) => intake.release(request),
        handler: take,
      });
    },
    { prefix: notificationUrl('', ':tenantId') },
  );
}
