/**
 * `/v1/sessions/{id}/webhook` in the OpenAPI document: whether the instance sends its notifications
 * to this gateway.
 */

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
      'The gateway reads the settings of the instance at the provider and compares them. The call changes nothing and does not count as watching. The answer contains neither the URL nor the token that was found.',
      'If the settings cannot be read, the answer is **200** with the status `unknown` and a finding that says why. A session that has ended for good has no provider token any more. Create a new session to check its instance.',
      'The provider accepts one such request a second for each instance. A second caller waits; further callers are refused with `too_many_requests`. The answer may take 16 s.',
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
      'The gateway sets `stateWebhook`, `webhookUrl` and `webhookUrlToken` of the instance at the provider once, and reads them back for some seconds. The provider restarts the instance to apply them, which may take minutes. If they are right already, nothing is sent.',
      'Check `applied` in the answer, because the provider may report that it saved the settings although it did not. This service neither tries again nor reboots the instance.',
      'Call it before the login. It is refused while an attempt is under way (`attempt_live`) and after the session has ended for good (`credentials_gone`). Wait at least 60 s for the answer.',
    ].join('\n\n'),
    credentials: KEY,
    body: { schema: setWebhookSchema, isRequired: true, example: { webhookToken: 'wt_…', replaceUrl: false } },
    answers: {
      200: {
        description: 'The settings as they are now',
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
