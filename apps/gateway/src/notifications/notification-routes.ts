/**
 * Provider notifications in. Answered 200 only after the change is stored, for the provider sends again whatever was not; and 200 also for
 * all that does not concern us, for it holds back everything behind an unanswered one.
 */

import type { IncomingHttpHeaders } from 'node:http';
import { isLoss } from '@qrcast/core/connected-instance';
import { RefusedError } from '@qrcast/core/errors';
import { judgeNotification, notifiedInstanceSchema, type StateNotification, stateNotificationSchema } from '@qrcast/core/notification';
import { notificationUrl } from '@qrcast/core/notification-address';
import { isPolled, type Session } from '@qrcast/core/session';
import { type ConnectedInstances, loginOf } from '@qrcast/runtime/connected/connected-instances';
import type { Logger } from '@qrcast/runtime/log';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { TenantRates } from '../limits/tenant-rates.ts';
import { createThrottledWarning } from '../limits/throttled-warning.ts';
import type { SessionIndex } from '../sessions/session-index.ts';
import type { Watching } from '../sessions/watching.ts';
import type { Tenant, Tenants } from '../tenants/tenants.ts';
import { createBodyRoom } from './body-budget.ts';
import type { LastNotifications } from './last-notifications.ts';
import { NOTIFICATION_LIMIT_BYTES, parseNotifications, type ReadNotification } from './notification-body.ts';
import type { NotificationRelay } from './notification-relay.ts';
import { tokensIn } from './webhook-tokens.ts';

/** A large body costs as much as several small ones: so many bytes count as one call. */
const BYTES_PER_CALL = 64 * 1024;
/** Of one tenant at this gateway: a few large ones, or hundreds as they usually are. */
const BYTES_AT_ONCE = 16 * 1024 * 1024;

export interface WebhookRoutesDeps {
  readonly tenants: Tenants;
  readonly rates: TenantRates;
  readonly index: SessionIndex;
  readonly sessions: Sessions;
  readonly watching: Watching;
  readonly relay: NotificationRelay;
  readonly lastNotifications: Pick<LastNotifications, 'note'>;
  readonly connected: Pick<ConnectedInstances, 'remember' | 'said'>;
  readonly clock: Clock;
  readonly log: Logger;
}

interface NotificationRoute {
  Params: { tenantId: string };
  Body: ReadNotification | undefined;
}
type NotificationRequest = FastifyRequest<NotificationRoute>;

export function addWebhookRoutes(app: FastifyInstance, deps: WebhookRoutesDeps): void {
  const { tenants, rates, index, sessions, watching, relay, connected, lastNotifications, clock, log } = deps;

  const room = createBodyRoom(BYTES_AT_ONCE);
  /** As `onRequest` found it: what follows need not read it again. */
  const admitted = new WeakMap<FastifyRequest['raw'], Tenant>();
  const warnOfToken = createThrottledWarning(
    { log, now: () => performance.now() },
    "a notification with a wrong webhook token was refused; does webhookUrlToken at the provider equal the tenant's?",
  );

  const warnOfBody = createThrottledWarning(
    { log, now: () => performance.now() },
    'a notification was taken and not passed on: its body is no JSON in UTF-8, and the envelope can hold nothing else',
  );

  /** Of one whose length was not declared, as it comes; the first call is counted already. @throws {RefusedError} */
  async function grow(given: FastifyRequest, from: number, to: number): Promise<void> {
    const request = given as NotificationRequest; // there is one route in this scope
    room.take(request.params.tenantId, request, to - from);
    const more = callsOf(to) - callsOf(from);
    if (more > 0) await rates.take(tenantOf(request), 'webhookCallsPerMinute', more);
  }

  function tenantOf({ raw }: FastifyRequest): Tenant {
    const tenant = admitted.get(raw);
    if (tenant === undefined) throw new Error('the request was not admitted');
    return tenant;
  }

  app.register(addRoute, { prefix: notificationUrl('', ':tenantId') });

  async function addRoute(scope: FastifyInstance): Promise<void> {
    parseNotifications(scope, grow);
    // With a slash at the end, too: Fastify's `prefixTrailingSlash`.
    scope.post<NotificationRoute>('/', {
      bodyLimit: NOTIFICATION_LIMIT_BYTES,
      // Before the body is read: a stranger's may be large.
      async onRequest(request, reply) {
        const { params, headers } = request;
        const tenant = await tenants.findByWebhookToken(params.tenantId, tokensIn(headers.authorization));
        // Ignored while suspended: refused, it would come again and hold back all behind it. The polls find a login later.
        if (tenant?.suspended === true) return reply.status(200).send({});
        if (tenant === null) {
          warnOfToken();
          throw new RefusedError('unauthenticated', 'expected the webhook token of this tenant in the Authorization header');
        }
        headers['content-type'] = 'application/json'; // one that makes no sense would be refused before the body is read
        const bytes = declaredBytes(headers);
        await rates.take(tenant, 'webhookCallsPerMinute', callsOf(bytes));
        room.take(tenant.id, request, bytes);
        admitted.set(request.raw, tenant);
      },
      onSend: async (request) => room.giveBack(request),
      async handler(request, reply) {
        const { params, body } = request;
        const parsed = stateNotificationSchema.safeParse(body?.value);
        const about = notifiedInstanceSchema.safeParse(body?.value).data?.instanceData;
        const noted = about === undefined ? null : lastNotifications.note(params.tenantId, about.idInstance);
        // First: it may be sent again as often as it likes, and must not wait for a server that is down.
        if (parsed.success) await take(params.tenantId, parsed.data);
        if (body?.text != null) await relay.passOn(tenantOf(request), { ...body, text: body.text });
        else warnOfBody({ tenantId: params.tenantId, bytes: body?.bytes ?? 0 });
        await noted;
        return reply.status(200).send({});
      },
    });
  }

  /** A loss of what a session connected, maybe long ago. */
  async function takeLoss(tenantId: string, session: Session | null, { instanceData, ...said }: StateNotification): Promise<void> {
    if (!isLoss(said.stateInstance)) return;
    const login = session === null ? null : loginOf(session);
    if (login !== null) await connected.remember(login); // it may be so new that no worker has done it yet
    await connected.said(tenantId, instanceData.idInstance, { state: said.stateInstance, at: said.timestamp * 1000, by: 'notification' });
  }

  async function take(tenantId: string, notification: StateNotification): Promise<void> {
    const sessionId = await index.current(tenantId, notification.instanceData.idInstance);
    const session = sessionId === null ? null : await sessions.find(sessionId);
    await takeLoss(tenantId, session, notification);
    if (session === null) return;
    const verdict = judgeNotification(session, notification);
    log.debug({ sessionId: session.id, verdict: verdict.kind }, 'notification');
    if (verdict.kind === 'check') await watching.check(session);
    if (verdict.kind !== 'believe') return;
    const now = clock.now();
    const event = { kind: 'answered', at: now, startedAt: now, jitter: 0, outcome: verdict.outcome } as const;
    const after = (await watching.change(session.id, event, session))?.after ?? null;
    const login = after === null ? null : loginOf(after);
    // The notification may be late, and the next one tell of a loss that came before this one.
    if (login !== null) await connected.remember({ ...login, loginAt: Math.min(login.loginAt, notification.timestamp * 1000) });
    // Told at the very moment a poll began, it may count as older than that: ask, rather than lose it.
    if (after !== null && isPolled(after) && after.fence > now) await watching.check(after);
  }
}

const callsOf = (bytes: number): number => Math.max(1, Math.ceil(bytes / BYTES_PER_CALL));

/** 0 where no length is declared: what comes is counted as it comes. */
function declaredBytes({ 'content-length': length }: IncomingHttpHeaders): number {
  return Math.min(Number(length ?? 0), NOTIFICATION_LIMIT_BYTES);
}
