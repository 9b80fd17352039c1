import { describe, expect, test } from 'vitest';
import { call, callJson, methodUrl, receiverForTest, simulatorForTest } from '../test/fixtures.ts';
import { FAULT_NAMES } from './faults.ts';
import type { Instance } from './instance.ts';

interface Control {
  readonly instance: Instance;
  readonly root: string;
  /** POST to a path below the instance. */
  readonly post: (tail: string, body?: unknown) => Promise<{ status: number; json: Record<string, unknown> }>;
  readonly qrUrl: string;
}

async function control(): Promise<Control> {
  const simulator = await simulatorForTest();
  const instance = simulator.createInstance();
  const root = `${simulator.url}/control`;
  const post: Control['post'] = async (tail, body) => {
    const { status, text } = await call(`${root}/instances/${instance.idInstance}/${tail}`, 'POST', body);
    return { status, json: JSON.parse(text) };
  };
  return { instance, root, post, qrUrl: methodUrl(simulator, instance, 'qr') };
}

describe('what it does', () => {
  test('help and the list of faults', async () => {
    const { root } = await control();
    expect((await call(root)).text).toContain('POST   /control/instances/{id}/scan');
    const faults = (await callJson(`${root}/faults`)) as readonly { name: string }[];
    expect(faults.map(({ name }) => name)).toEqual(FAULT_NAMES);
  });

  test('create and list instances', async () => {
    const { root } = await control();
    const created = await call(`${root}/instances`, 'POST', { idInstance: '310012345678', state: 'blocked' });
    expect(created.status).toBe(201);
    expect(JSON.parse(created.text)).toMatchObject({ idInstance: '310012345678', state: 'blocked', code: null });
    expect(await callJson(`${root}/instances`)).toHaveLength(2);
    expect((await call(`${root}/instances`, 'POST', { idInstance: '310012345678' })).status).toBe(409);
    expect((await call(`${root}/instances`, 'POST', { idInstance: 'x' })).status).toBe(400);
  });

  test('scan, scan with a password, set a state', async () => {
    const { instance, post } = await control();
    expect((await post('scan', { link: 'https://max.ru/:auth/old' })).status).toBe(409);
    expect((await post('scan')).json).toMatchObject({ state: 'authorized', code: null });
    expect((await post('scan')).status).toBe(409);
    expect((await post('state', { state: 'notAuthorized' })).json).toMatchObject({ state: 'notAuthorized', code: instance.code() });
    expect((await post('scan-with-password', { password: 'secret' })).json).toMatchObject({ state: 'pendingPassword' });
  });

  test('plan faults and remove them', async () => {
    const { instance, root, post, qrUrl } = await control();
    await post('faults', { method: 'qr', fault: 'status429', times: 'always', retryAfter: 3 });
    const { status, headers } = await call(qrUrl);
    expect([status, headers.get('retry-after')]).toEqual([429, '3']);
    await call(`${root}/instances/${instance.idInstance}/faults`, 'DELETE');
    expect((await call(qrUrl)).status).toBe(200);
  });

  test('the webhook, its faults, and extra notifications', async () => {
    const { instance, post } = await control();
    const { url, next } = await receiverForTest();
    const answer = await post('webhook', { url: `${url}?key=hidden`, token: 'secret', scheme: 'Basic', lose: 1 });
    expect(JSON.stringify(answer.json)).not.toMatch(/hidden|secret/);
    await post('notify', { state: 'blocked' });
    await post('notify', { sameSecondPair: ['notAuthorized', 'authorized'] });
    const hit = await next();
    expect([hit.authorization, hit.body.stateInstance]).toEqual(['Basic secret', 'notAuthorized']);
    hit.answer(200);
    (await next()).answer(200);
    await post('webhook', { url: null });
    expect(instance.state()).toBe('notAuthorized');
  });

  test('the log of all methods or of one', async () => {
    const { instance, root, qrUrl } = await control();
    await call(qrUrl);
    await call(qrUrl.replace('/qr/', '/getStateInstance/'));
    const log = `${root}/instances/${instance.idInstance}/requests`;
    expect(await callJson(log)).toHaveLength(2);
    expect(await callJson(`${log}?method=qr`)).toMatchObject([{ method: 'qr', status: 200, overlapped: false }]);
    expect((await call(`${log}?method=nothing`)).status).toBe(400);
  });
});

describe('what it refuses', () => {
  test.each([
    ['faults', { method: 'qr', fault: 'earthquake' }, /^fault: .*"html502"/],
    ['faults', { method: 'dance', fault: 'cut' }, /^method: .*"getStateInstance"/],
    [
      'faults',
      { method: 'qr', fault: 'cut', often: 3 },
      /^unknown field often; the fields are method, fault, times, ms, retryAfter, location$/,
    ],
    ['faults', { method: 'qr', fault: 'cut', times: 0 }, /^times: /],
    ['state', { state: 'asleep' }, /^state: .*"suspended"/],
    ['webhook', { url: 'ftp://example.com' }, /^url: /],
    ['webhook', { token: 'secret' }, /need a url/],
    ['notify', {}, /either state or sameSecondPair/],
    ['scan', 'no json', /the body is not JSON/],
  ])('%s %j', async (tail, body, message) => {
    const { post } = await control();
    const { status, json } = await post(tail, body);
    expect([status, json['error']]).toEqual([400, expect.stringMatching(message)]);
  });

  test('unknown instances, paths and verbs', async () => {
    const { root } = await control();
    const status = async (path: string, verb = 'GET'): Promise<number> => (await call(`${root}${path}`, verb)).status;
    expect(await status('/instances/310099999999/scan', 'POST')).toBe(404);
    expect(await status('/nowhere')).toBe(404);
    expect(await status('/faults', 'POST')).toBe(405);
  });
});
