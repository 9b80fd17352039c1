import { expect, test } from 'vitest';
import type { Answer } from './answer.ts';
import { interpretSave, interpretSettings } from './answer-settings.ts';

const answerOf = (body: unknown, status = 200): Answer => ({
  status,
  headers: {},
  body: typeof body === 'string' ? body : JSON.stringify(body),
});
const TROUBLE = { kind: 'trouble', code: 'provider_error' };
const PAGE = '<html><body>nginx</body></html>';

const GIVEN = { stateWebhook: 'yes', webhookUrl: 'https://a.example/hook', webhookUrlToken: 'secret', wid: '', incomingWebhook: 'no' };
const READ = { stateWebhook: true, webhookUrl: 'https://a.example/hook', webhookToken: 'secret' };

test.each<[body: unknown, settings: object]>([
  [GIVEN, READ],
  [
    { ...GIVEN, stateWebhook: 'no' },
    { ...READ, stateWebhook: false },
  ],
  [
    { ...GIVEN, stateWebhook: 'maybe' },
    { ...READ, stateWebhook: null },
  ],
  [
    { ...GIVEN, stateWebhook: true },
    { ...READ, stateWebhook: null },
  ],
  [
    { ...GIVEN, webhookUrl: '', webhookUrlToken: '' },
    { ...READ, webhookUrl: '', webhookToken: '' },
  ],
  [
    { ...GIVEN, webhookUrl: ['https://example.com'], webhookUrlToken: 7 },
    { ...READ, webhookUrl: null, webhookToken: null },
  ],
  [
    { ...GIVEN, webhookUrl: null, webhookUrlToken: null },
    { ...READ, webhookUrl: '', webhookToken: '' },
  ],
  [
    { ...GIVEN, webhookUrl: 'h'.repeat(5_000) },
    { ...READ, webhookUrl: null },
  ],
  [{ stateWebhook: 'yes' }, { stateWebhook: true, webhookUrl: null, webhookToken: null }],
])('settings %j', (body, settings) => {
  expect(interpretSettings(answerOf(body))).toEqual({ kind: 'settings', settings });
});

test.each<[answer: Answer, outcome: object]>([
  [answerOf({}), TROUBLE],
  [answerOf({ stateWebhook: {}, webhookUrl: [], webhookUrlToken: {} }), TROUBLE],
  [answerOf([GIVEN]), TROUBLE],
  [answerOf('"yes"'), TROUBLE],
  [answerOf('not json'), TROUBLE],
  [answerOf(PAGE), TROUBLE],
  [answerOf(null), { kind: 'trouble', code: 'instance_starting' }],
  [answerOf('', 401), { kind: 'refused', reason: 'credentials_rejected' }],
  [answerOf(PAGE, 404), { kind: 'refused', reason: 'credentials_rejected' }],
  [answerOf({ code: 401 }), { kind: 'refused', reason: 'credentials_rejected' }],
  [answerOf('instance in starting process', 400), { kind: 'trouble', code: 'instance_starting' }],
  [answerOf(PAGE, 502), TROUBLE],
  [answerOf(PAGE, 504), { kind: 'trouble', code: 'provider_timeout' }],
  [
    { status: 429, headers: { 'retry-after': '30' }, body: '' },
    { kind: 'trouble', code: 'rate_limited', retryAfterMs: 30_000 },
  ],
])('no settings: %j', (answer, outcome) => {
  expect(interpretSettings(answer)).toEqual(outcome);
});

test.each<[answer: Answer, outcome: object]>([
  [answerOf({ saveSettings: true }), { kind: 'saved' }],
  [answerOf({ saveSettings: false }), { kind: 'trouble', code: 'provider_refused' }],
  [answerOf({ saveSettings: 'true' }), TROUBLE],
  [answerOf({}), TROUBLE],
  [answerOf(null), TROUBLE],
  [answerOf([true]), TROUBLE],
  [answerOf('', 401), { kind: 'refused', reason: 'credentials_rejected' }],
  [answerOf({ message: 'Validation failed' }, 400), TROUBLE],
])('a save answered %j', (answer, outcome) => {
  expect(interpretSave(answer)).toEqual(outcome);
});
