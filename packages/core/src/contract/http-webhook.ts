/** `/v1/sessions/{id}/webhook`: whether the instance notifies us, as the OpenAPI document tells it. */

import type { ErrorCode } from '../errors.ts';
import { findingOf, setWebhookAnswerSchema, setWebhookSchema, type Webhook, webhookAnswerSchema } from '../webhook-check.ts';
import type { Credential, Operation } from './http.ts';

const KEY: readonly Credential[] = [{ kind: 'apiKey' }];
const WHO: readonly ErrorCode[] = ['unauthenticated', 'forbidden', 'origin_not_allowed', 'too_many_requests', 'unavailable'];
const ONE: readonly ErrorCode[] = ['not_found', 'session_expired', 'upstream_not_allowed'];

const EXAMPLE_SET: Webhook = {
  instanceId: '1101000001',
  status: 'set',
  stateWebhook: 'on',
  url: 'matches',
  token: 'matches',
  expectedUrl: 'https://qrcast.example.com/v1/webhooks/green-api/acme',
  lastNotificationAt: 1_790_000_012_000,
  checkedAt: 1_790_000_040_000,
  findings: [],
};

const EXAMPLE_WRONG: Webhook = {
  ...EXAMPLE_SET,
  status: 'not_set',
  stateWebhook: 'off',
  token: 'missing',
  lastNotificationAt: null,
  findings: [findingOf('state_notifications_off'), findingOf('token_missing')],
};

export const WEBHOOK_OPERATIONS: readonly Operation[] = [
  {
    id: 'checkWebhook',
    method: 'get',
    path: '/v1/sessions/{id}/webhook',
    pathParameters: ['session'],
    tag: 'Notifications',
    summary: "Check whether the session's instance notifies this gateway",
    description: [
      'It reads the settings of the instance at the provider and compares them. It changes nothing, does not count as watching, and tells neither the URL nor the token that it found.',
      'Where the settings cannot be read the answer is **200** with the status `unknown` and a finding that says why. A session that has ended for good has no provider token any more: create a new one to check its instance.',
      'The provider takes one such request a second and instance: a second caller waits its turn, further ones are `too_many_requests`. The answer may take 16 s.',
    ].join('\n\n'),
    credentials: KEY,
    answers: { 200: { description: 'What was found', schema: webhookAnswerSchema, example: { webhook: EXAMPLE_WRONG } } },
    errors: [...WHO, ...ONE],
  },
  {
    id: 'setWebhook',
    method: 'post',
    path: '/v1/sessions/{id}/webhook',
    pathParameters: ['session'],
    tag: 'Notifications',
    summary: "Make the session's instance notify this gateway",
    description: [
      'It sets `stateWebhook`, `webhookUrl` and `webhookUrlToken` of the instance at the provider, once, and reads them back for some seconds. The provider restarts the instance for that, which may take minutes. Where they are right already nothing is sent.',
      'Look at `applied`: the provider may say that it saved the settings and save nothing. This service neither tries again nor reboots the instance.',
      'Call it before the login: it is refused while an attempt is under way (`attempt_live`) and after the session has ended for good (`credentials_gone`). Wait at least 60 s for the answer.',
    ].join('\n\n'),
    credentials: KEY,
    body: { schema: setWebhookSchema, isRequired: true, example: { webhookToken: 'wt_…', replaceUrl: false } },
    answers: {
      200: {
        description: 'What stands now',
        schema: setWebhookAnswerSchema,
        example: { webhook: EXAMPLE_SET, applied: true, restarted: true },
      },
    },
    errors: [
      ...WHO,
      ...ONE,
      'invalid_request',
      'body_too_large',
      'unsupported_media_type',
      'attempt_live',
      'credentials_gone',
      'webhook_url_differs',
      'webhook_busy',
      'public_url_unknown',
    ],
  },
];
