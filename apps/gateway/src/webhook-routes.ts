/**
 * Provider notifications in. Answered 200 only after the change is stored, for the provider sends again whatever was not; and 200 also for
 * all that does not concern us, for it holds back everything behind an unanswered one.
 */

import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { isLoss } from '@qrcast/core/connected-instance';
import { RefusedError } from '@qrcast/core/errors';
import { judgeNotification, notifiedInstanceSchema, type StateNotification, stateNotificationSchema } from '@qrcast/core/notification';
import { notificationUrl } from '@qrcast/core/notification-address';
import { isPolled, type Session } from '@qrcast/core/session';
import type { Clock } from '@qrcast/runtime/clock';
import { type ConnectedInstances, loginOf } from '@qrcast/runtime/connected-instances';
import type { Logger } from '@qrcast/runtime/log';
import type { Sessions } from '@qrcast/runtime/sessions';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { createBodyRoom } from './body-room.ts';
import { holdsAtMost } from './json-values.ts';
import type { LastNotifications } from './last-notifications.ts';
import type { Notification, NotificationRelay } from './notification-relay.ts';
import { createSeldomWarning } from './seldom-warning.ts';
import type { SessionIndex } from './session-index.ts';
import type { TenantRates } from './tenant-rates.ts';
import type { Tenants } from './tenants.ts';
import type { Watching } from './watching.ts';
import { tokensIn } from './webhook-tokens.ts';

/** Messages with thumbnails come this way too, and one that is refused comes again and again, with all behind it held back. */
const BODY_LIMIT_BYTES = 4 * 1024 * 1024;
/** Far more than any message has: what is large in one is a picture or a text. */
const MAX_VALUES = 50_000;
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
  Body: Notification | undefined;
}
type NotificationRequest = FastifyRequest<NotificationRoute>;

export function addWebhookRoutes(app: FastifyInstance, deps: WebhookRoutesDeps): void {
  const { tenants, rates, index, sessions, watching, relay, connected, lastNotifications, clock, log } = deps;

  const room = createBodyRoom(BYTES_AT_ONCE);
  const warnOfToken = createSeldomWarning(
    { log, now: () => performance.now() },
    "a notification with a wrong webhook token was refused; does webhookUrlToken at the provider equal the tenant's?",
  );

  /** Of one whose length was not declared, as it comes; the first call is counted already. @throws {RefusedError} */
  async function grow(request: NotificationRequest, from: number, to: number): Promise<void> {
    room.take(request.params.tenantId, request, to - from);
    const more = callsOf(to) - callsOf(from);
    const tenant = more === 0 ? null : await tenants.find(request.params.tenantId);
    if (tenant !== null) await rates.take(tenant, 'webhookCallsPerMinute', more);
  }

  app.register(addRoute, { prefix: notificationUrl('', ':tenantId') });

  async function addRoute(scope: FastifyInstance): Promise<void> {
    parseKeepingText(scope, grow);
    // With a slash at the end, too: Fastify's `prefixTrailingSlash`.
    scope.post<NotificationRoute>('/', {
      bodyLimit: BODY_LIMIT_BYTES,
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
        const bytes = declaredBytes(headers);
        await rates.take(tenant, 'webhookCallsPerMinute', callsOf(bytes));
        room.take(tenant.id, request, bytes);
      },
      onSend: async (request) => room.giveBack(request),
      async handler({ params, body }, reply) {
        const parsed = stateNotificationSchema.safeParse(body?.value);
        const about = notifiedInstanceSchema.safeParse(body?.value).data?.instanceData;
        const noted = about === undefined ? null : lastNotifications.note(params.tenantId, about.idInstance);
        // First: it may be sent again as often as it likes, and must not wait for a server that is down.
        if (parsed.success) await take(params.tenantId, parsed.data);
        if (body !== undefined) await relay.passOn(params.tenantId, body);
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
    const after = await watching.apply(session.id, { kind: 'answered', at: now, startedAt: now, jitter: 0, outcome: verdict.outcome });
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
  return Math.min(Number(length ?? 0), BODY_LIMIT_BYTES);
}

/**
 * Of a body its own text, too: what is passed on must be what came. Nothing but JSON is, for it becomes part of ours. The bare parser: one
 * that takes names like `__proto__` out walks through all of a large body, and here nothing is read but the fields that the schemas name.
 */
function parseKeepingText(scope: FastifyInstance, grow: (request: NotificationRequest, from: number, to: number) => Promise<void>): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('application/json', async (given: FastifyRequest, payload: Readable) => {
    const request = given as NotificationRequest; // there is one route in this scope
    const isDeclared = request.headers['content-length'] !== undefined;
    const text = await textOf(payload, async (from, to) => {
      if (to > BODY_LIMIT_BYTES) throw new RefusedError('body_too_large', `expected a body of at most ${BODY_LIMIT_BYTES} bytes`);
      if (!isDeclared) await grow(request, from, to);
    });
    if (!holdsAtMost(MAX_VALUES, text)) throw new RefusedError('body_too_large', `expected a body of at most ${MAX_VALUES} values`);
    return text === '' ? undefined : ({ text, value: parsedJson(text) } satisfies Notification);
  });
}

/** `onBytes`: before more of it is kept; what it throws ends the reading. */
async function textOf(payload: Readable, onBytes: (from: number, to: number) => Promise<void>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of payload as AsyncIterable<Buffer>) {
    await onBytes(bytes, bytes + chunk.length);
    bytes += chunk.length;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** What is wrong with it would repeat a part of it. @throws {RefusedError} `invalid_request`. */
function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RefusedError('invalid_request', 'the body could not be read; expected JSON in UTF-8, without a mark of its order');
  }
}
