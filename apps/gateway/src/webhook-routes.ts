/**
 * Provider notifications in. Answered 200 only after the change is stored, for the provider sends again whatever was not; and 200 also for
 * all that does not concern us, for it holds back everything behind an unanswered one.
 */

import { RefusedError } from '@qrcast/core/errors';
import { judgeNotification, stateNotificationSchema } from '@qrcast/core/notification';
import { isPolled } from '@qrcast/core/session';
import type { Clock } from '@qrcast/runtime/clock';
import type { Logger } from '@qrcast/runtime/log';
import type { Sessions } from '@qrcast/runtime/sessions';
import type { FastifyInstance } from 'fastify';
import type { Notification, NotificationRelay } from './notification-relay.ts';
import type { SessionIndex } from './session-index.ts';
import type { TenantRates } from './tenant-rates.ts';
import type { Tenants } from './tenants.ts';
import type { Watching } from './watching.ts';

/** Messages with thumbnails come this way too, and one that is refused comes again and again, with all behind it held back. */
const BODY_LIMIT_BYTES = 4 * 1024 * 1024;

export interface WebhookRoutesDeps {
  readonly tenants: Tenants;
  readonly rates: TenantRates;
  readonly index: SessionIndex;
  readonly sessions: Sessions;
  readonly watching: Watching;
  readonly relay: NotificationRelay;
  readonly clock: Clock;
  readonly log: Logger;
}

export function addWebhookRoutes(app: FastifyInstance, deps: WebhookRoutesDeps): void {
  const { tenants, rates, index, sessions, watching, relay, clock, log } = deps;

  app.register(async (scope) => {
    parseKeepingText(scope);
    scope.post<{ Params: { tenantId: string }; Body: Notification | undefined }>('/v1/webhooks/green-api/:tenantId', {
      bodyLimit: BODY_LIMIT_BYTES,
      // Before the body is read: a stranger's may be large.
      async onRequest({ params, headers }, reply) {
        const tenant = await tenants.findByWebhookToken(params.tenantId, tokensOf(headers.authorization));
        // Ignored while suspended: refused, it would come again and hold back all behind it. The polls find a login later.
        if (tenant?.suspended === true) return reply.status(200).send({});
        if (tenant !== null) return rates.take(tenant, 'webhookCallsPerMinute');
        log.warn("a notification with a wrong webhook token was refused; does webhookUrlToken at the provider equal the tenant's?");
        throw new RefusedError('unauthenticated', 'expected the webhook token of this tenant in the Authorization header');
      },
      async handler({ params, body }, reply) {
        const parsed = stateNotificationSchema.safeParse(body?.value);
        // First: it may be sent again as often as it likes, and must not wait for a server that is down.
        if (parsed.success) await take(params.tenantId, parsed.data);
        if (body !== undefined) await relay.passOn(params.tenantId, body);
        return reply.status(200).send({});
      },
    });
  });

  async function take(tenantId: string, notification: Parameters<typeof judgeNotification>[1]): Promise<void> {
    const sessionId = await index.current(tenantId, notification.instanceData.idInstance);
    const session = sessionId === null ? null : await sessions.find(sessionId);
    if (session === null) return;
    const verdict = judgeNotification(session, notification);
    log.debug({ sessionId: session.id, verdict: verdict.kind }, 'notification');
    if (verdict.kind === 'check') await watching.check(session);
    if (verdict.kind !== 'believe') return;
    const now = clock.now();
    const after = await watching.apply(session.id, { kind: 'answered', at: now, startedAt: now, jitter: 0, outcome: verdict.outcome });
    // Told at the very moment a poll began, it may count as older than that: ask, rather than lose it.
    if (after !== null && isPolled(after) && after.fence > now) await watching.check(after);
  }
}

/** Of a body its own text, too: what is passed on must be what came. */
function parseKeepingText(scope: FastifyInstance): void {
  const parse = scope.getDefaultJsonParser('remove', 'remove');
  scope.removeContentTypeParser('application/json');
  scope.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const text = String(body);
    if (text === '') return done(null, undefined);
    void parse(request, text, (error, value) => (error === null ? done(null, { text, value } satisfies Notification) : done(error)));
  });
}

/** The provider's scheme word is not settled: the whole header or its second word may be the token. */
function tokensOf(authorization: string | undefined): string[] {
  const header = (authorization ?? '').trim();
  const [, second] = header.split(/\s+/);
  return second === undefined ? [header] : [header, second];
}
