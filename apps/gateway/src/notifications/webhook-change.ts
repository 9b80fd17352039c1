/**
 * Sets the webhook of an instance: reads its settings, changes them once, and proves the change by
 * reading them again.
 */

import { RefusedError } from '@qrcast/core/errors';
import type { Session } from '@qrcast/core/session';
import { findingOf, type SetWebhookAnswer, type Webhook } from '@qrcast/core/webhook-check';
import type { SettingsOutcome } from '@qrcast/provider/answer-settings';
import type { RequireNoAttempt } from './live-attempts.ts';
import type { SettingsChanger } from './settings-changer.ts';
import type { InstanceAccess, SettingsReader } from './settings-reader.ts';
import { type JudgeSettings, reasonOf, type UnreadSettings } from './webhook-judge.ts';

export interface WebhookChangeDeps {
  readonly reader: Pick<SettingsReader, 'read'>;
  readonly changer: Pick<SettingsChanger, 'change' | 'readBack'>;
  readonly judge: JudgeSettings;
  readonly requireNoAttempt: RequireNoAttempt;
}

export interface WantedWebhook {
  readonly webhookUrl: string;
  readonly webhookToken: string;
  /** Whether another webhook URL of the instance may be replaced. */
  readonly mayReplaceUrl: boolean;
}

/**
 * @throws {RefusedError} `webhook_url_differs`, `attempt_live`, `too_many_requests`, `unavailable`.
 */
export type ChangeWebhook = (session: Session, access: InstanceAccess, wanted: WantedWebhook) => Promise<SetWebhookAnswer>;

export function createWebhookChange({ reader, changer, judge, requireNoAttempt }: WebhookChangeDeps): ChangeWebhook {
  /** Decides by what the settings read now, whatever the provider answered to the change. */
  async function proved(session: Session, access: InstanceAccess): Promise<SetWebhookAnswer> {
    const isRight = async (outcome: SettingsOutcome): Promise<boolean> => (await judge(session, outcome)).status === 'set';
    const last = await changer.readBack(access, isRight);
    const webhook = await judge(session, last);
    if (webhook.status === 'set') return { webhook, applied: true, restarted: true };
    if (webhook.status === 'unknown') return { webhook, applied: 'unknown', restarted: true };
    return { webhook: { ...webhook, findings: [findingOf('not_applied'), ...webhook.findings] }, applied: false, restarted: true };
  }

  return async (session, access, { webhookUrl, webhookToken, mayReplaceUrl }) => {
    const before = await reader.read(access);
    if (before.kind !== 'settings') throw notAnswered('the provider did not return the settings', before);
    const found = await judge(session, before);
    if (found.status === 'set') return { webhook: found, applied: true, restarted: false };
    if (hasOtherUrl(found) && !mayReplaceUrl) {
      throw new RefusedError('webhook_url_differs', 'the instance has another webhook URL; say "replaceUrl": true to replace it');
    }
    const settings = { webhookUrl, webhookUrlToken: webhookToken, stateWebhook: 'yes' } as const;
    const outcome = await changer.change(access, settings, () => requireNoAttempt(session));
    if (outcome !== null) throw notAnswered('the provider did not accept the settings', outcome);
    return proved(session, access);
  };
}

const hasOtherUrl = ({ url }: Webhook): boolean => url === 'differs' || url === 'unknown';

function notAnswered(what: string, outcome: UnreadSettings): RefusedError {
  const retryAfterMs = (outcome.kind === 'trouble' ? outcome.retryAfterMs : undefined) ?? 2_000;
  return new RefusedError('unavailable', `${what} (${reasonOf(outcome)}); try again`, { retryAfterMs });
}
