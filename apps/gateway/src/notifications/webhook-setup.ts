/**
 * Checks whether the instance of a session notifies us, and makes it do so. core's webhook-check.ts
 * says what counts as right.
 */

import { RefusedError } from '@qrcast/core/errors';
import type { Session } from '@qrcast/core/session';
import { isAllowedUpstream } from '@qrcast/core/upstream';
import type { SetWebhookAnswer, setWebhookSchema, Webhook } from '@qrcast/core/webhook-check';
import { createHolders } from '@qrcast/runtime/polling/fair-share';
import type { z } from 'zod';
import type { InstanceCredentials } from '../sessions/instance-credentials.ts';
import type { Tenant, Tenants } from '../tenants/tenants.ts';
import { createLiveAttempts, type LiveAttemptsDeps } from './live-attempts.ts';
import type { SettingsChanger } from './settings-changer.ts';
import type { InstanceAccess, SettingsReader } from './settings-reader.ts';
import { createWebhookChange } from './webhook-change.ts';
import { createWebhookJudge, type WebhookJudgeDeps } from './webhook-judge.ts';

export interface WebhookSetup {
  /**
   * Only reads. Whatever the provider answers is in the result. @throws {RefusedError}
   * `too_many_requests`, `upstream_not_allowed`.
   */
  check(session: Session, tenant: Tenant): Promise<Webhook>;
  /**
   * Sets the three settings once, and reads them back for a bounded time.
   * @throws {RefusedError} `invalid_request` for a token that is not the tenant's,
   * `public_url_unknown`, `attempt_live`, `credentials_gone`, `webhook_busy`,
   * `webhook_url_differs`, `upstream_not_allowed`, `too_many_requests`; `unavailable` if the
   * settings could not be read first, or the provider did not accept them.
   */
  set(session: Session, tenant: Tenant, request: z.output<typeof setWebhookSchema>): Promise<SetWebhookAnswer>;
}

export interface WebhookSetupDeps extends WebhookJudgeDeps, LiveAttemptsDeps {
  readonly reader: SettingsReader;
  readonly changer: SettingsChanger;
  readonly instanceCredentials: Pick<InstanceCredentials, 'find'>;
}

export function createWebhookSetup(deps: WebhookSetupDeps): WebhookSetup {
  const { tenants, reader, changer, instanceCredentials, webhookUrlOf } = deps;
  const bounded = createCallBound();
  const judge = createWebhookJudge(deps);
  const requireNoAttempt = createLiveAttempts(deps);
  const change = createWebhookChange({ reader, changer, judge, requireNoAttempt });

  /** Null once the session has ended for good. @throws {RefusedError} `upstream_not_allowed`. */
  async function accessTo(session: Session, tenant: Tenant): Promise<InstanceAccess | null> {
    const credentials = await instanceCredentials.find(session);
    if (credentials === null) return null;
    if (tenant.upstreamHosts !== null && !isAllowedUpstream(credentials.apiUrl, tenant.upstreamHosts)) {
      throw new RefusedError('upstream_not_allowed', 'the provider host of this session is not on the allow-list of the tenant any more');
    }
    return { instanceKey: session.instanceKey, credentials };
  }

  return {
    check: (session, tenant) =>
      bounded(tenant.id, async () => {
        const access = await accessTo(session, tenant);
        return judge(session, access === null ? 'credentials_gone' : await reader.read(access));
      }),

    set: (session, tenant, { webhookToken, replaceUrl = false }) =>
      bounded(tenant.id, async () => {
        const webhookUrl = requireUrl(webhookUrlOf(tenant.id));
        await requireTokenOf(tenant, webhookToken, tenants);
        await requireNoAttempt(session);
        return changer.alone(session.instanceKey, async () => {
          const access = requireAccess(await accessTo(session, tenant));
          return change(session, access, { webhookUrl, webhookToken, mayReplaceUrl: replaceUrl });
        });
      }),
  };
}

/**
 * Calls of one tenant under way at this gateway. Each may wait for a provider that does not answer.
 */
const MAX_UNDER_WAY = 20;
const UNDER_WAY_RETRY_AFTER_MS = 1_000;

/**
 * Runs a call for a tenant. @throws {RefusedError} `too_many_requests`, and what the call throws.
 */
function createCallBound(): <T>(tenantId: string, run: () => Promise<T>) => Promise<T> {
  const underWay = createHolders();
  return async (tenantId, run) => {
    if (underWay.of(tenantId) >= MAX_UNDER_WAY) {
      const detail = `expected at most ${MAX_UNDER_WAY} calls about webhooks at once for this tenant; wait for one to end`;
      throw new RefusedError('too_many_requests', detail, { retryAfterMs: UNDER_WAY_RETRY_AFTER_MS });
    }
    underWay.take(tenantId);
    try {
      return await run();
    } finally {
      underWay.giveBack(tenantId);
    }
  };
}

/** @throws {RefusedError} `public_url_unknown`. */
function requireUrl(url: string | null): string {
  if (url !== null) return url;
  throw new RefusedError('public_url_unknown', 'this gateway does not know its public address; ask the operator to set QRCAST_PUBLIC_URL');
}

/** @throws {RefusedError} `invalid_request`. */
async function requireTokenOf(tenant: Tenant, webhookToken: string, tenants: Pick<Tenants, 'hasWebhookToken'>): Promise<void> {
  if (await tenants.hasWebhookToken(tenant.id, [webhookToken])) return;
  const rule = 'expected the webhook token of this tenant, as it was shown when the tenant was made, without `Bearer` before it';
  throw new RefusedError('invalid_request', `webhookToken: ${rule} (came: string of ${webhookToken.length})`);
}

/** @throws {RefusedError} `credentials_gone`. */
function requireAccess(access: InstanceAccess | null): InstanceAccess {
  if (access !== null) return access;
  throw new RefusedError(
    'credentials_gone',
    'the session is over, and its provider token is not kept; create a new session of the instance',
  );
}
