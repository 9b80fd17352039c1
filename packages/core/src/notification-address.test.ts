import { describe, expect, it } from 'vitest';
import { isNotificationPath, judgeNotificationPath, NOTIFICATION_MISSES, notificationUrl } from './notification-address.ts';

const BASE = '/v1/webhooks/green-api';

describe('an address that is nearly right', () => {
  it.each([
    ['percent_encoded', `${BASE}/%61cme`],
    ['percent_encoded', `${BASE}/acme%20`],
    ['percent_encoded', `${BASE}/acme%2F`],
    ['percent_encoded', `${BASE}/%3Ctenant%20id%3E`],
    ['percent_encoded', '/v1/webhooks/green%2Dapi/acme'],
    ['percent_encoded', '/v1%2Fwebhooks%2Fgreen-api%2Facme'],
    ['percent_encoded', '/%76%31/webhooks/green-api/acme'],
    ['percent_encoded', `${BASE}/acme%zz`],
    ['double_slash', `/${BASE}/acme`],
    ['double_slash', '/v1//webhooks/green-api/acme'],
    ['double_slash', `${BASE}//acme`],
    ['double_slash', `${BASE}/acme//`],
    ['wrong_case', '/V1/webhooks/green-api/acme'],
    ['wrong_case', '/v1/Webhooks/Green-API/acme'],
    ['wrong_case', `${BASE}/Acme`],
    ['wrong_case', `${BASE}/ACME/`],
    ['no_tenant', BASE],
    ['no_tenant', `${BASE}/`],
    ['no_tenant', '/v1/Webhooks/green-api'],
    ['extra_segment', `${BASE}/acme/more`],
    ['extra_segment', `${BASE}/acme/1101000001/`],
    ['no_tenant_id', `${BASE}/acme.`],
    ['no_tenant_id', `${BASE}/{tenantId}`],
    ['no_tenant_id', `${BASE}/-acme`],
    ['no_tenant_id', `${BASE}/${'a'.repeat(64)}`],
    ['other_path', '/webhooks/green-api/acme'],
    ['other_path', '/v1/webhook/green-api/acme'],
    ['other_path', '/v1/webhooks/greenapi/acme'],
    ['other_path', '/v1/webhooks/acme'],
    ['other_path', '/v1/webhook/acme'],
    ['other_path', '/v1/greenapi/acme'],
    ['other_path', '/x/docs/webhooks'],
    ['other_path', '/v1/webhooks'],
    ['other_path', '/v1/green-api/acme'],
    ['other_path', '/v2/webhooks/green-api/acme'],
    ['other_path', '/qrcast/v1/webhooks/green-api/acme'],
    ['other_path', '/qrcast/v1/webhooks/green-api'],
    ['other_path', '/v1\\webhooks\\green-api\\acme'],
    ['other_path', `${BASE}\\acme`],
    ['other_path', '/v1/webhooks-green-api/acme'],
    ['other_path', '/v1/webhooks.green-api/acme'],
    ['other_path', `${BASE}:acme`],
    ['other_path', '/v1/./webhooks/green-api/acme'],
    ['no_tenant_id', `${BASE}/acme.json`],
    ['no_tenant_id', `${BASE}/acme;x=1`],
    ['no_tenant_id', `${BASE}/acme&x=1`],
    ['no_tenant_id', `${BASE}/acme#x`],
    ['double_slash', `/https://host.example${BASE}/acme`],
  ])('%s: %s', (miss, path) => {
    expect(judgeNotificationPath('POST', path)).toBe(miss);
  });

  it.each(['GET', 'HEAD', 'PUT', 'OPTIONS'])('is the right one by %s', (method) => {
    expect(judgeNotificationPath(method, `${BASE}/acme`)).toBe('other_method');
  });
});

describe('an address that is right or meant for another call', () => {
  it.each([
    `${BASE}/acme`,
    `${BASE}/acme/`,
    `${BASE}/0_-`,
    `${BASE}/${'a'.repeat(63)}`,
    '/',
    '/v1/sessions/ses_1/webhook',
    '/v1/sessions/ses_1/webhooks',
    '/v1//sessions/ses_1/webhook',
    '/v1/admin/tenants/green-api',
    '/v1/admin/tenants/webhooks/keys',
    '/connect/webhooks',
    '/v1/nothing',
    '/webhooked',
    '/mywebhooks',
    '/greenapis',
  ])('%s', (path) => {
    expect(judgeNotificationPath('POST', path)).toBeNull();
  });
});

it('the right address is recognised, and no other', () => {
  for (const path of [`${BASE}/acme`, `${BASE}/acme/`]) expect([path, isNotificationPath(path)]).toEqual([path, true]);
  for (const path of ['/', BASE, `${BASE}/`, `${BASE}/acme/more`, `${BASE}/Acme`, `${BASE}/acme?x`, `/x${BASE}/acme`])
    expect([path, isNotificationPath(path)]).toEqual([path, false]);

  expect(notificationUrl('https://host.example/qrcast', 'acme')).toBe('https://host.example/qrcast/v1/webhooks/green-api/acme');
  expect(judgeNotificationPath('POST', notificationUrl('', 'acme'))).toBeNull();
  for (const words of Object.values(NOTIFICATION_MISSES)) expect(`the path ${words}`).not.toContain('undefined');
});
