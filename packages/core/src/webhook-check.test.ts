import { describe, expect, test } from 'vitest';
import { compareUrl, FINDING_WORDS, judgeWebhook, type ReadSettings, setWebhookAnswerSchema, webhookSchema } from './webhook-check.ts';

const OURS = 'https://qrcast.example.com/v1/webhooks/green-api/acme';
const RIGHT: ReadSettings = { stateWebhook: true, webhookUrl: OURS, token: 'matches' };

function judge(read: Parameters<typeof judgeWebhook>[1], expectedUrl: string | null = OURS, lastNotificationAt: number | null = 5) {
  const webhook = judgeWebhook({ instanceId: '1101000001', expectedUrl, lastNotificationAt, at: 7 }, read);
  expect(webhookSchema.parse(webhook)).toEqual(webhook);
  return { ...webhook, codes: webhook.findings.map(({ code }) => code) };
}

test('right settings have the status set, and no findings', () => {
  expect(judge(RIGHT)).toMatchObject({ status: 'set', stateWebhook: 'on', url: 'matches', token: 'matches', codes: [], checkedAt: 7 });
});

test('right settings without a notification so far have the status set, and a finding that says so', () => {
  expect(judge(RIGHT, OURS, null)).toMatchObject({ status: 'set', codes: ['no_notification_yet'], lastNotificationAt: null });
});

test.each<[Partial<ReadSettings>, string, string[]]>([
  [{ stateWebhook: false }, 'not_set', ['state_notifications_off']],
  [{ webhookUrl: '' }, 'not_set', ['url_missing']],
  [{ webhookUrl: `${OURS}//` }, 'not_set', ['url_misspelled']],
  [{ webhookUrl: `${OURS}/` }, 'set', ['no_notification_yet']],
  [{ webhookUrl: 'https://elsewhere.example.com/hook' }, 'not_set', ['url_differs']],
  [{ token: 'missing' }, 'not_set', ['token_missing']],
  [{ token: 'differs' }, 'not_set', ['token_differs']],
  [{ stateWebhook: null }, 'unknown', ['setting_unreadable']],
  [{ webhookUrl: null }, 'unknown', ['setting_unreadable']],
  [{ token: 'unknown' }, 'unknown', ['setting_unreadable']],
  [{ stateWebhook: null, token: 'differs' }, 'not_set', ['token_differs', 'setting_unreadable']],
  [{ stateWebhook: false, webhookUrl: '', token: 'missing' }, 'not_set', ['state_notifications_off', 'url_missing', 'token_missing']],
])('%j is %s', (fields, status, codes) => {
  expect(judge({ ...RIGHT, ...fields }, OURS, null)).toMatchObject({ status, codes });
});

test('a gateway that does not know its address does not compare it, but still reports what is missing', () => {
  expect(judge(RIGHT, null)).toMatchObject({ status: 'unknown', url: 'unknown', expectedUrl: null, codes: ['public_url_unknown'] });
  expect(judge({ ...RIGHT, webhookUrl: '' }, null)).toMatchObject({ status: 'not_set', codes: ['url_missing', 'public_url_unknown'] });
  expect(judge({ ...RIGHT, token: 'differs' }, null)).toMatchObject({ status: 'not_set', codes: ['token_differs', 'public_url_unknown'] });
});

test('settings that could not be read are unknown, and the finding says why', () => {
  expect(judge('provider_timeout')).toMatchObject({ status: 'unknown', url: 'unknown', token: 'unknown', codes: ['provider_timeout'] });
});

test.each([
  [true, true],
  [false, true],
  ['unknown', true],
  ['perhaps', false],
])('that settings were applied can be %j: %j', (applied, isAllowed) => {
  expect(setWebhookAnswerSchema.shape.applied.safeParse(applied).success).toBe(isAllowed);
});

test('every finding says what to do, in whole sentences', () => {
  for (const words of Object.values(FINDING_WORDS)) expect(words).toMatch(/^[A-Z].{20,}\.$/);
});

describe('the URL', () => {
  test.each([
    OURS,
    `${OURS}/`,
    'https://QRCAST.example.com/v1/webhooks/green-api/acme',
    'HTTPS://qrcast.example.com:443/v1/webhooks/green-api/acme',
  ])('%s matches', (url) => {
    expect(compareUrl(url, OURS)).toBe('matches');
  });

  test.each([
    `${OURS}//`,
    `${OURS}?a=b`,
    `${OURS}#a`,
    ` ${OURS}`,
    `${OURS}\n`,
    'http://qrcast.example.com/v1/webhooks/green-api/acme',
    'https://user:secret@qrcast.example.com/v1/webhooks/green-api/acme',
    'https://qrcast.example.com./v1/webhooks/green-api/acme',
    'https://qrcast.example.com//v1/webhooks/green-api/acme',
    'https://qrcast.example.com/v1/webhooks/green-api/Acme',
    'https://qrcast.example.com/v1/webhooks/green%2Dapi/acme',
    'https:\\\\qrcast.example.com\\v1\\webhooks\\green-api\\acme',
  ])('%j names us, but not exactly', (url) => {
    expect(compareUrl(url, OURS)).toBe('misspelled');
  });

  test.each([
    'https://elsewhere.example.com/v1/webhooks/green-api/acme',
    'https://qrcast.example.com/v1/webhooks/green-api/other',
    'https://qrcast.example.com/v1/webhooks/green-api',
    'https://qrcast.example.com/v1webhooks/green-api/acme',
    'https://qrcast.example.com',
    'https://qrcast.example.com:8443/v1/webhooks/green-api/acme',
    'https://qrcast.example.com.evil.example/v1/webhooks/green-api/acme',
    'ftp://qrcast.example.com/v1/webhooks/green-api/acme',
    'qrcast.example.com/v1/webhooks/green-api/acme',
    'https://qrcast.example.com/%zz',
    'no url',
  ])('%s differs', (url) => {
    expect(compareUrl(url, OURS)).toBe('differs');
  });

  test('of a gateway on a port of its own', () => {
    expect(compareUrl('https://example.com.:8443/acme', 'https://example.com:8443/acme')).toBe('misspelled');
    expect(compareUrl('https://example.com.evil:8443/acme', 'https://example.com:8443/acme')).toBe('differs');
  });

  test('below a path of the gateway', () => {
    const ours = 'https://example.com/qrcast/v1/webhooks/green-api/acme';
    expect(compareUrl(ours, ours)).toBe('matches');
    expect(compareUrl('https://example.com/@qr/acme', 'https://example.com/@qr/acme')).toBe('matches');
    expect(compareUrl(ours, 'no url')).toBe('differs');
    expect(compareUrl('https://example.com/v1/webhooks/green-api/acme', ours)).toBe('differs');
    // Two letters that are alike only as capitals are two paths.
    expect(compareUrl('https://example.com/stra%C3%9Fe/acme', 'https://example.com/strasse/acme')).toBe('differs');
  });
});
