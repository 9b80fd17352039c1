import { request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { call, callJson, createClock, methodUrl, simulatorForTest } from '../test/fixtures.ts';
import { INSTANCE_STATES } from './states.ts';

describe('paths and credentials', () => {
  test('/v3 before the path changes nothing', async () => {
    const simulator = await simulatorForTest();
    const instance = simulator.createInstance();
    const url = methodUrl(simulator, instance, 'getStateInstance');
    const withPrefix = url.replace('/waInstance', '/v3/waInstance');
    expect(await callJson(url)).toEqual({ stateInstance: 'notAuthorized' });
    expect(await callJson(withPrefix)).toEqual({ stateInstance: 'notAuthorized' });
  });

  test('a wrong token gets 401 without a body, readable from other origins', async () => {
    const simulator = await simulatorForTest();
    const { idInstance } = simulator.createInstance();
    const { status, text, headers } = await call(`${simulator.url}/waInstance${idInstance}/qr/wrong`);
    expect([status, text, headers.get('access-control-allow-origin')]).toEqual([401, '', '*']);
  });

  test('a wrong id gets the 403 page of nginx, without CORS', async () => {
    const simulator = await simulatorForTest();
    const { status, text, headers } = await call(`${simulator.url}/waInstance310099999999/qr/token`);
    expect(status).toBe(403);
    expect(text).toContain('<center>nginx</center>');
    expect(headers.get('content-type')).toBe('text/html');
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });

  test.each([
    ['an unknown method', 'GET', 'noSuchMethod'],
    ['a property every object has', 'GET', 'toString'],
    ['a known method with a wrong verb', 'POST', 'qr'],
  ])('%s gets the 404 page of nginx', async (_what, verb, method) => {
    const simulator = await simulatorForTest();
    const { status, text } = await call(methodUrl(simulator, simulator.createInstance(), method), verb);
    expect([status, text.includes('404 Not Found')]).toEqual([404, true]);
  });

  test('the host of another shard answers 404, its own host serves', async () => {
    const simulator = await simulatorForTest();
    const url = methodUrl(simulator, simulator.createInstance(), 'getStateInstance');
    expect(await statusWithHost(url, '7103.api.green-api.com')).toBe(404);
    expect(await statusWithHost(url, '3100.api.green-api.com')).toBe(200);
  });

  test('OPTIONS gets 204 and nothing else', async () => {
    const simulator = await simulatorForTest();
    const instance = simulator.createInstance();
    const { status, text } = await call(methodUrl(simulator, instance, 'qr'), 'OPTIONS');
    expect([status, text, instance.requests.length]).toEqual([204, '', 0]);
  });

  test('a body that is not JSON gets 400', async () => {
    const simulator = await simulatorForTest();
    const url = methodUrl(simulator, simulator.createInstance(), 'sendAuthorizationPassword');
    expect((await call(url, 'POST', 'password=1')).status).toBe(400);
    expect((await call(url, 'POST', {})).text).toContain('Validation failed');
    expect((await call(url, 'POST', 'x'.repeat(100_000))).status).toBe(413);
  });
});

describe('the limit', () => {
  test('two clients share one call a second, per method and instance', async () => {
    const { now, advance } = createClock();
    const simulator = await simulatorForTest({ now, enforceRateLimit: true });
    const [instance, other] = [simulator.createInstance(), simulator.createInstance()];
    const statuses = async (...urls: string[]): Promise<number[]> =>
      (await Promise.all(urls.map((url) => call(url)))).map(({ status }) => status).sort();
    const url = methodUrl(simulator, instance, 'qr');
    expect(await statuses(url, url)).toEqual([200, 429]);
    expect(await statuses(methodUrl(simulator, instance, 'getStateInstance'), methodUrl(simulator, other, 'qr'))).toEqual([200, 200]);
    advance(999);
    expect(await statuses(url)).toEqual([429]);
    advance(1);
    expect(await statuses(url)).toEqual([200]);
  });

  test('a call refused by the limit does not count for a fault', async () => {
    const { now, advance } = createClock();
    const simulator = await simulatorForTest({ now, enforceRateLimit: true });
    const instance = simulator.createInstance();
    const url = methodUrl(simulator, instance, 'qr');
    await call(url);
    instance.fail('qr', 'html502');
    expect((await call(url)).status).toBe(429);
    advance(1_000);
    expect((await call(url)).status).toBe(502);
  });
});

describe('what a state says', () => {
  const expected = {
    creating: [null, 'error', 'not_ready'],
    starting: ['starting', 'error', 'not_ready'],
    notAuthorized: ['notAuthorized', 'qrCode', expect.any(String)],
    authorized: ['authorized', 'already_registered', 'instance account already authorized'],
    blocked: ['blocked', 'error', 'connection_closed'],
    suspended: ['suspended', 'already_registered', 'instance account already authorized'],
    suspendedUnlinked: ['suspended', 'error', 'not_ready'],
    pendingPassword: ['pendingPassword', 'pendingPassword', '2FA password required'],
    unknown: ['hibernating', 'carrierPigeon', 'coo'],
  } as const;

  test.each(INSTANCE_STATES)('%s', async (state) => {
    const simulator = await simulatorForTest();
    const instance = simulator.createInstance({ state });
    const [stateInstance, type, message] = expected[state];
    expect(await callJson(methodUrl(simulator, instance, 'qr'))).toEqual({ type, message });
    expect(await callJson(methodUrl(simulator, instance, 'getStateInstance'))).toEqual(stateInstance === null ? null : { stateInstance });
    expect(instance.code() === null).toBe(state !== 'notAuthorized');
  });

  test('the account is returned only while it is linked', async () => {
    const simulator = await simulatorForTest();
    const instance = simulator.createInstance({ phone: '79990001122' });
    const url = methodUrl(simulator, instance, 'getAccountSettings');
    expect(await callJson(url)).toEqual({ avatar: '', phone: '', chatId: '', stateInstance: 'notAuthorized' });
    instance.scan();
    expect(await callJson(url)).toMatchObject({ phone: '79990001122', stateInstance: 'authorized' });
    expect(await callJson(methodUrl(simulator, instance, 'getSettings'))).toMatchObject({ wid: '79990001122@c.us', typeInstance: 'v3' });
  });
});

describe('restarts', () => {
  test('logout: no code for a while, then one that was never shown before', async () => {
    const { now, advance } = createClock();
    const simulator = await simulatorForTest({ now, startingMs: 5_000 });
    const instance = simulator.createInstance();
    const first = instance.code();
    instance.scan();
    expect(await callJson(methodUrl(simulator, instance, 'logout'))).toEqual({ isLogout: true });
    advance(4_999);
    expect(await callJson(methodUrl(simulator, instance, 'qr'))).toEqual({ type: 'error', message: 'not_ready' });
    expect(await callJson(methodUrl(simulator, instance, 'getStateInstance'))).toEqual({ stateInstance: 'starting' });
    advance(1);
    expect(await callJson(methodUrl(simulator, instance, 'qr'))).toMatchObject({ type: 'qrCode' });
    expect(instance.code()).not.toBe(first);
  });

  test('setSettings and reboot restart, and a linked account stays linked', async () => {
    const { now, advance } = createClock();
    const simulator = await simulatorForTest({ now, startingMs: 5_000 });
    const [instance, linked] = [simulator.createInstance(), simulator.createInstance({ state: 'authorized' })];
    expect(await callJson(methodUrl(simulator, instance, 'setSettings'), { stateWebhook: 'yes' })).toEqual({ saveSettings: true });
    expect(await callJson(methodUrl(simulator, linked, 'reboot'))).toEqual({ isReboot: true });
    expect([instance.state(), linked.state()]).toEqual(['starting', 'starting']);
    advance(5_000);
    expect([instance.state(), linked.state()]).toEqual(['notAuthorized', 'authorized']);
    expect(await callJson(methodUrl(simulator, instance, 'getSettings'))).toMatchObject({ stateWebhook: 'yes', wid: '' });
  });
});

function statusWithHost(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on('error', reject).end();
  });
}
