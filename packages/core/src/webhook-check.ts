/**
 * Whether an instance notifies us, judged by its settings at the provider. Pure: the caller reads
 * the settings. It also compares the token, because that is a secret and must not come here.
 */

import { z } from 'zod';
import type { RefusalReason, TroubleCode } from './outcome.ts';
import { percentDecoded } from './percent-encoding.ts';

export type WebhookFindingCode =
  | 'state_notifications_off'
  | 'url_missing'
  | 'url_misspelled'
  | 'url_differs'
  | 'token_missing'
  | 'token_differs'
  | 'setting_unreadable'
  | 'public_url_unknown'
  | 'no_notification_yet'
  | 'not_applied'
  | 'credentials_gone'
  | TroubleCode
  | RefusalReason;

/** What each finding means and what to do about it. */
export const FINDING_WORDS: Readonly<Record<WebhookFindingCode, string>> = {
  state_notifications_off: 'The instance sends no notifications of its state. Set `stateWebhook` to `yes`.',
  url_missing: 'The instance has no webhook URL, so it notifies nobody. Set `webhookUrl` to `expectedUrl`.',
  url_misspelled: 'The webhook URL names this gateway, but not exactly, so its notifications are refused. Set it to `expectedUrl`.',
  url_differs:
    'The webhook URL differs from `expectedUrl`. Set it to `expectedUrl`, unless it is another name of this gateway. The server at the old URL then receives no more notifications.',
  token_missing:
    'The instance sends no webhook token, so its notifications are refused. Set `webhookUrlToken` to the webhook token of the tenant.',
  token_differs:
    'The instance does not send the webhook token of the tenant, so its notifications are refused. Set `webhookUrlToken` to that token.',
  setting_unreadable: 'The provider did not return all of these settings, so they could not be compared. Check them in its console.',
  public_url_unknown:
    'This gateway does not know its public address, so it cannot say which webhook URL is right. The operator sets the address with QRCAST_PUBLIC_URL.',
  no_notification_yet:
    'The settings are right, but no notification of this instance has come in the last 7 days. The next change of its state causes one.',
  not_applied:
    'The settings were sent to the provider, but it still returns the values that are shown here. Check again in a few minutes. If nothing changes, reboot the instance in the console of the provider, and set them again.',
  credentials_gone:
    'The session has ended for good, so its provider token was deleted. Create a new session of the instance to check its settings.',
  instance_starting: 'The instance is starting, so its settings could not be read. Check again in a few minutes.',
  provider_not_ready: 'The instance is not ready, so its settings could not be read. Check again in a few minutes.',
  provider_timeout: 'The provider did not answer in time. Check again.',
  provider_refused:
    'The provider, or an address rule of this service, refused the request. Check again, and look at the instance in the console of the provider.',
  provider_unreachable: 'The provider could not be reached. Check `apiUrl`, and check again.',
  provider_error: 'The provider gave an answer that cannot be used. Check again.',
  rate_limited: 'The provider accepts no more requests about this instance for now. Check again in a minute.',
  credentials_rejected:
    'The provider did not accept the id, the token or the host. This can happen once by mistake. If it happens again, compare them with the console of the provider.',
  instance_deleted: 'The provider says that the instance is deleted.',
  instance_expired: 'The provider says that the instance is not paid for. This can happen to a new instance for up to an hour.',
  instance_blocked: 'The messenger has blocked the account.',
};

const findingSchema = z
  .object({
    code: z
      .enum(Object.keys(FINDING_WORDS) as [WebhookFindingCode, ...WebhookFindingCode[]]) // never empty
      .meta({ id: 'WebhookFindingCode', description: 'What was found, for programs' }),
    detail: z.string().describe('For people: what it means and what to do. Never contains a secret'),
  })
  .meta({ id: 'WebhookFinding' });

export type WebhookFinding = z.infer<typeof findingSchema>;

export const webhookSchema = z
  .object({
    instanceId: z.string().describe('The instance at the provider'),
    status: z
      .enum(['set', 'not_set', 'unknown'])
      .describe('`set`: all three settings are right. `not_set`: one is wrong. `unknown`: one could not be compared, and none is wrong'),
    stateWebhook: z.enum(['on', 'off', 'unknown']).describe('Whether the instance sends notifications of its state'),
    url: z
      .enum(['matches', 'misspelled', 'differs', 'missing', 'unknown'])
      .describe(
        'The webhook URL of the instance, compared with `expectedUrl`. `misspelled`: it leads to this gateway, but is not spelled exactly',
      ),
    token: z.enum(['matches', 'differs', 'missing', 'unknown']).describe("The webhook token of the instance, compared with the tenant's"),
    expectedUrl: z
      .string()
      .nullable()
      .describe('The webhook URL that the instance needs. Null if the gateway does not know its public address'),
    lastNotificationAt: z
      .number()
      .int()
      .nullable()
      .describe('When the last notification of this instance came, of any kind; Unix ms. May lag by 10 s. Null if none came within 7 days'),
    checkedAt: z.number().int().describe('When the settings were read, Unix ms'),
    findings: z.array(findingSchema).describe('What is wrong or could not be compared, and what to do. Empty if everything is right'),
  })
  .meta({ id: 'Webhook', description: 'Whether an instance notifies this gateway. Contains neither its webhook URL nor its token.' });

export type Webhook = z.infer<typeof webhookSchema>;

export const webhookAnswerSchema = z.object({ webhook: webhookSchema }).meta({ id: 'WebhookAnswer' });

export const setWebhookAnswerSchema = z
  .object({
    webhook: webhookSchema.describe('The settings at the end of the call'),
    applied: z
      .union([z.boolean(), z.literal('unknown')])
      .describe(
        'Whether the settings were right at the end. `unknown`: they could not be read, because the instance was still restarting, or the provider failed',
      ),
    restarted: z.boolean().describe('Whether the settings were sent, which restarts the instance. False if they were right already'),
  })
  .meta({ id: 'SetWebhookAnswer' });

export type SetWebhookAnswer = z.infer<typeof setWebhookAnswerSchema>;

export const setWebhookSchema = z
  .strictObject({
    webhookToken: z.string().min(1).max(256).describe("The tenant's webhook token, `wt_…`. This service stores only a hash of it"),
    replaceUrl: z.boolean().optional().describe('`true`: replace a webhook URL that leads elsewhere. Default: false'),
  })
  .meta({ id: 'SetWebhook' });

/**
 * The settings of an instance that matter here. A field is null if the provider did not return it.
 */
export interface ReadSettings {
  readonly stateWebhook: boolean | null;
  /** Empty if none is set. */
  readonly webhookUrl: string | null;
  readonly token: Webhook['token'];
}

export interface WebhookCheck {
  readonly instanceId: string;
  readonly expectedUrl: string | null;
  readonly lastNotificationAt: number | null;
  readonly at: number;
}

/** `read` holds the settings, or the reason why they could not be read. */
export function judgeWebhook(check: WebhookCheck, read: ReadSettings | WebhookFindingCode): Webhook {
  const { instanceId, expectedUrl, lastNotificationAt, at: checkedAt } = check;
  const known = { instanceId, expectedUrl, lastNotificationAt, checkedAt };
  if (typeof read === 'string') {
    return { ...known, status: 'unknown', stateWebhook: 'unknown', url: 'unknown', token: 'unknown', findings: [findingOf(read)] };
  }
  const stateWebhook = read.stateWebhook === null ? 'unknown' : read.stateWebhook ? 'on' : 'off';
  const url = compareUrl(read.webhookUrl, expectedUrl);
  const { token } = read;
  const status = statusOf([stateWebhook, url, token]);
  const codes = findingsOf(read, { stateWebhook, url, token }, expectedUrl);
  if (status === 'set' && lastNotificationAt === null) codes.push('no_notification_yet');
  return { ...known, status, stateWebhook, url, token, findings: codes.map(findingOf) };
}

export const findingOf = (code: WebhookFindingCode): WebhookFinding => ({ code, detail: FINDING_WORDS[code] });

type Compared = Pick<Webhook, 'stateWebhook' | 'url' | 'token'>;

function statusOf(settings: readonly Compared[keyof Compared][]): Webhook['status'] {
  if (settings.every((one) => one === 'on' || one === 'matches')) return 'set';
  return settings.some((one) => one !== 'on' && one !== 'matches' && one !== 'unknown') ? 'not_set' : 'unknown';
}

function findingsOf(read: ReadSettings, { stateWebhook, url, token }: Compared, expectedUrl: string | null): WebhookFindingCode[] {
  const codes: WebhookFindingCode[] = [];
  if (stateWebhook === 'off') codes.push('state_notifications_off');
  if (url === 'missing' || url === 'misspelled' || url === 'differs') codes.push(`url_${url}`);
  if (token === 'missing' || token === 'differs') codes.push(`token_${token}`);
  if (expectedUrl === null) codes.push('public_url_unknown');
  if (stateWebhook === 'unknown' || token === 'unknown' || read.webhookUrl === null) codes.push('setting_unreadable');
  return codes;
}

/**
 * Two spellings match if every HTTP client sends them to the same path. The case of the host and the
 * default port do not matter. One slash at the end is accepted, too.
 */
export function compareUrl(actual: string | null, expected: string | null): Webhook['url'] {
  if (actual === '') return 'missing';
  if (actual === null || expected === null) return 'unknown';
  if (actual === expected) return 'matches';
  const [is, ought] = [URL.parse(actual), URL.parse(expected)];
  if (is === null || ought === null) return 'differs';
  // The URL parser accepts spaces and backslashes. The provider's client may not.
  const isPlain = !/[\s\\#@]/.test(actual);
  if (isPlain && is.href.replace(/\/$/, '') === ought.href) return 'matches';
  return is.protocol.startsWith('http') && placeOf(is) === placeOf(ought) ? 'misspelled' : 'differs';
}

/**
 * Host and path as a person means them: without the scheme, extra slashes, capitals and needless
 * percent-encoding.
 */
function placeOf({ host, pathname }: URL): string {
  const path = (percentDecoded(pathname) ?? pathname).toLowerCase().replace(/\/+/g, '/').replace(/\/$/, '');
  return `${host.replace(/\.(?=:|$)/, '')}${path}`;
}
