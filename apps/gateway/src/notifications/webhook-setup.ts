/** Whether the instance of a session notifies us, and making it do so. What counts as right is in core's webhook-check.ts. */

import { RefusedError } from '@qrcast/core/errors';
import { isPolled, type Session } from '@qrcast/core/session';
import { isAllowedUpstream } from '@qrcast/core/upstream';
import {
  findingOf,
  judgeWebhook,
  type ReadSettings,
  type SetWebhookAnswer,
  type setWebhookSchema,
  type Webhook,
  type WebhookFindingCode,
} from '@qrcast/core/webhook-check';
import type { InstanceSettings, SettingsOutcome } from '@qrcast/provider/answer-settings';
import { createHolders } from '@qrcast/runtime/polling/fair-share';
import type { InstanceHolds } from '@qrcast/runtime/polling/instance-hold';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import type { z } from 'zod';
import type { InstanceCredentials } from '../sessions/instance-credentials.ts';
import type { SessionIndex } from '../sessions/session-index.ts';
import type { Tenant, Tenants } from '../tenants/tenants.ts';
import type { LastNotifications } from './last-notifications.ts';
import type { SettingsChanger } from './settings-changer.ts';
import type { InstanceAccess, SettingsReader } from './settings-reader.ts';
import { tokensIn } from './webhook-tokens.ts';

export interface WebhookSetup {
  /** Only reads. What the provider does is in the answer. @throws {RefusedError} `too_many_requests`, `upstream_not_allowed`. */
  check(session: Session, tenant: Tenant): Promise<Webhook>;
  /**
   * Sets the three settings, once, and reads them back for a bounded time.
   * @throws {RefusedError} `invalid_request` for a token that is not the tenant's, `public_url_unknown`, `attempt_live`,
   * `credentials_gone`, `webhook_busy`, `webhook_url_differs`, `upstream_not_allowed`, `too_many_requests`; `unavailable` if the settings
   * could not be read first, or the provider did not take them.
   */
  set(session: Session, tenant: Tenant, request: z.output<typeof setWebhookSchema>): Promise<SetWebhookAnswer>;
}

export interface WebhookSetupDeps {
  readonly tenants: Pick<Tenants, 'hasWebhookToken'>;
  readonly sessions: Pick<Sessions, 'find'>;
  readonly index: Pick<SessionIndex, 'current'>;
  readonly reader: SettingsReader;
  readonly changer: SettingsChanger;
  readonly holds: Pick<InstanceHolds, 'watchedSessions'>;
  readonly lastNotifications: Pick<LastNotifications, 'read'>;
  readonly instanceCredentials: Pick<InstanceCredentials, 'find'>;
  /** The address for the notifications of a tenant; null while the public address of the gateway is not known. */
  readonly webhookUrlOf: (tenantId: string) => string | null;
  readonly clock: Clock;
}

/** Calls of one tenant under way at this gateway: each may wait for a provider that does not answer. */
const MAX_UNDER_WAY = 20;
const UNDER_WAY_RETRY_AFTER_MS = 1_000;

export function createWebhookSetup(deps: WebhookSetupDeps): WebhookSetup {
  const { tenants, sessions, index, reader, changer, holds, lastNotifications, instanceCredentials, webhookUrlOf, clock } = deps;
  const underWay = createHolders();

  async function bounded<T>(tenantId: string, run: () => Promise<T>): Promise<T> {
    if (underWay.of(tenantId) >= MAX_UNDER_WAY) {
      const detail = `${MAX_UNDER_WAY} calls about webhooks are under way at once at most; wait for one to end`;
      throw new RefusedError('too_many_requests', detail, { retryAfterMs: UNDER_WAY_RETRY_AFTER_MS });
    }
    underWay.take(tenantId);
    try {
      return await run();
    } finally {
      underWay.giveBack(tenantId);
    }
  }

  /** Null once the session has ended for good. @throws {RefusedError} `upstream_not_allowed`. */
  async function accessTo(session: Session, tenant: Tenant): Promise<InstanceAccess | null> {
    const credentials = await instanceCredentials.find(session);
    if (credentials === null) return null;
    if (tenant.upstreamHosts !== null && !isAllowedUpstream(credentials.apiUrl, tenant.upstreamHosts)) {
      throw new RefusedError('upstream_not_allowed', 'the provider host of this session is not on the allow-list of the tenant any more');
    }
    return { instanceKey: session.instanceKey, credentials };
  }

  async function judge({ tenantId, instanceId }: Session, read: SettingsOutcome | 'credentials_gone'): Promise<Webhook> {
    const lastNotificationAt = await lastNotifications.read(tenantId, instanceId);
    const check = { instanceId, expectedUrl: webhookUrlOf(tenantId), lastNotificationAt, at: Math.floor(clock.now()) };
    return judgeWebhook(check, typeof read === 'string' ? read : await comparable(tenantId, read));
  }

  async function comparable(tenantId: string, outcome: SettingsOutcome): Promise<ReadSettings | WebhookFindingCode> {
    if (outcome.kind !== 'settings') return reasonOf(outcome);
    const { stateWebhook, webhookUrl, webhookToken } = outcome.settings;
    return { stateWebhook, webhookUrl, token: await compareToken(tenantId, webhookToken) };
  }

  async function compareToken(tenantId: string, token: InstanceSettings['webhookToken']): Promise<Webhook['token']> {
    if (token === null) return 'unknown';
    if (token.trim() === '') return 'missing';
    return (await tenants.hasWebhookToken(tenantId, tokensIn(token))) ? 'matches' : 'differs';
  }

  /** The call restarts the instance, so nobody may be logging in to it. @throws {RefusedError} `attempt_live`. */
  async function requireNoAttempt({ id, tenantId, instanceId, instanceKey }: Session): Promise<void> {
    // Another tenant may have the same instance; of its session nothing is told but that somebody logs in.
    const ids = new Set([id, (await index.current(tenantId, instanceId)) ?? id, ...(await holds.watchedSessions(instanceKey))]);
    const found = await Promise.all([...ids].map((one) => sessions.find(one)));
    // One whose deadline has passed counts as over, although nothing has ended it yet.
    const isLive = found.some((one) => one !== null && isPolled(one) && clock.now() < one.deadlineAt);
    if (!isLive) return;
    throw new RefusedError(
      'attempt_live',
      'an attempt of this instance is under way, and the call would restart it; try again when it has ended',
    );
  }

  async function change(session: Session, tenant: Tenant, webhookToken: string, mayReplaceUrl: boolean): Promise<SetWebhookAnswer> {
    const webhookUrl = requireUrl(tenant);
    const access = await accessTo(session, tenant);
    if (access === null) {
      throw new RefusedError(
        'credentials_gone',
        'the session is over, and its provider token is not kept; create a new session of the instance',
      );
    }
    const before = await reader.read(access);
    if (before.kind !== 'settings') throw notAnswered('the provider did not tell the settings', before);
    const found = await judge(session, before);
    if (found.status === 'set') return { webhook: found, applied: true, restarted: false };
    if ((found.url === 'differs' || found.url === 'unknown') && !mayReplaceUrl) {
      throw new RefusedError('webhook_url_differs', 'the instance has another webhook URL; say "replaceUrl": true to replace it');
    }
    const outcome = await changer.change(access, { webhookUrl, webhookUrlToken: webhookToken, stateWebhook: 'yes' }, () =>
      requireNoAttempt(session),
    );
    if (outcome !== null) throw notAnswered('the provider did not take the settings', outcome);
    return proved(session, access);
  }

  /** Whatever the provider said of it: what the settings read now is what counts. */
  async function proved(session: Session, access: InstanceAccess): Promise<SetWebhookAnswer> {
    const isRight = async (outcome: SettingsOutcome): Promise<boolean> => (await judge(session, outcome)).status === 'set';
    const last = await changer.readBack(access, isRight);
    const webhook = await judge(session, last);
    if (webhook.status === 'set') return { webhook, applied: true, restarted: true };
    if (webhook.status === 'unknown') return { webhook, applied: 'unknown', restarted: true };
    return { webhook: { ...webhook, findings: [findingOf('not_applied'), ...webhook.findings] }, applied: false, restarted: true };
  }

  /** @throws {RefusedError} `public_url_unknown`. */
  function requireUrl(tenant: Tenant): string {
    const url = webhookUrlOf(tenant.id);
    if (url !== null) return url;
    throw new RefusedError(
      'public_url_unknown',
      'this gateway does not know its public address; ask the operator to set QRCAST_PUBLIC_URL',
    );
  }

  return {
    check: (session, tenant) =>
      bounded(tenant.id, async () => {
        const access = await accessTo(session, tenant);
        return judge(session, access === null ? 'credentials_gone' : await reader.read(access));
      }),

    set: (session, tenant, { webhookToken, replaceUrl = false }) =>
      bounded(tenant.id, async () => {
        requireUrl(tenant);
        if (!(await tenants.hasWebhookToken(tenant.id, [webhookToken]))) {
          const rule = 'expected the webhook token of this tenant, as it was shown when the tenant was made, without `Bearer` before it';
          throw new RefusedError('invalid_request', `webhookToken: ${rule} (came: string of ${webhookToken.length})`);
        }
        await requireNoAttempt(session);
        return changer.alone(session.instanceKey, () => change(session, tenant, webhookToken, replaceUrl));
      }),
  };
}

/** The finding of the same name. */
function reasonOf(outcome: Exclude<SettingsOutcome, { kind: 'settings' }>): WebhookFindingCode {
  return outcome.kind === 'refused' ? outcome.reason : outcome.code;
}

function notAnswered(what: string, outcome: Exclude<SettingsOutcome, { kind: 'settings' }>): RefusedError {
  const retryAfterMs = (outcome.kind === 'trouble' ? outcome.retryAfterMs : undefined) ?? 2_000;
  return new RefusedError('unavailable', `${what} (${reasonOf(outcome)}); try again`, { retryAfterMs });
}
