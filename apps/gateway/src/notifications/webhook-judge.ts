/**
 * Judges the settings that were read of an instance, for its session. core's webhook-check.ts says
 * what counts as right.
 */

import type { Session } from '@qrcast/core/session';
import { judgeWebhook, type ReadSettings, type Webhook, type WebhookFindingCode } from '@qrcast/core/webhook-check';
import type { InstanceSettings, SettingsOutcome } from '@qrcast/provider/answer-settings';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { Tenants } from '../tenants/tenants.ts';
import type { LastNotifications } from './last-notifications.ts';
import { tokensIn } from './webhook-tokens.ts';

/** Any outcome of a reading that did not return the settings. */
export type UnreadSettings = Exclude<SettingsOutcome, { kind: 'settings' }>;

export type JudgeSettings = (session: Session, read: SettingsOutcome | 'credentials_gone') => Promise<Webhook>;

export interface WebhookJudgeDeps {
  readonly tenants: Pick<Tenants, 'hasWebhookToken'>;
  readonly lastNotifications: Pick<LastNotifications, 'read'>;
  /**
   * The address for the notifications of a tenant; null while the public address of the gateway is
   * not known.
   */
  readonly webhookUrlOf: (tenantId: string) => string | null;
  readonly clock: Pick<Clock, 'now'>;
}

export function createWebhookJudge({ tenants, lastNotifications, webhookUrlOf, clock }: WebhookJudgeDeps): JudgeSettings {
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

  return async ({ tenantId, instanceId }, read) => {
    const lastNotificationAt = await lastNotifications.read(tenantId, instanceId);
    const check = { instanceId, expectedUrl: webhookUrlOf(tenantId), lastNotificationAt, at: Math.floor(clock.now()) };
    return judgeWebhook(check, typeof read === 'string' ? read : await comparable(tenantId, read));
  };
}

/** The finding that has the same name as the outcome. */
export function reasonOf(outcome: UnreadSettings): WebhookFindingCode {
  return outcome.kind === 'refused' ? outcome.reason : outcome.code;
}
