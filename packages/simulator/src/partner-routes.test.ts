import { expect, test } from 'vitest';
import { call, callJson, createClock, methodUrl, simulatorForTest } from '../test/fixtures.ts';

const PARTNER_TOKEN = 'gac.test';

test('create, list, delete', async () => {
  const { now, advance } = createClock();
  const simulator = await simulatorForTest({ now, partnerToken: PARTNER_TOKEN, startingMs: 1_000 });
  const partner = (method: string): string => `${simulator.url}/partner/${method}/${PARTNER_TOKEN}`;
  const created = await callJson(partner('createInstance'), { stateWebhook: 'yes' });
  const [instance] = simulator.instances();
  if (instance === undefined) throw new Error('nothing was created');
  const idInstance = Number(instance.idInstance);
  expect(created).toEqual({ idInstance, apiTokenInstance: instance.apiToken, typeInstance: 'v3', apiUrl: simulator.url });
  expect(await callJson(methodUrl(simulator, instance, 'getStateInstance'))).toBeNull();
  advance(1_000);
  expect(instance.state()).toBe('notAuthorized');
  expect(await callJson(partner('getInstances'))).toMatchObject([{ idInstance, apiTokenInstance: instance.apiToken, deleted: false }]);
  expect(await callJson(partner('deleteInstanceAccount'), { idInstance })).toEqual({ deleteInstanceAccount: true });
  expect(await call(methodUrl(simulator, instance, 'qr'))).toMatchObject({ status: 400, text: '{"message":"Instance is deleted"}' });
  expect(await callJson(partner('getInstances'))).toMatchObject([{ deleted: true }]);
});

test('refusals come with status 200', async () => {
  const simulator = await simulatorForTest({ partnerToken: PARTNER_TOKEN });
  const wrong = await call(`${simulator.url}/partner/getInstances/gac.wrong`);
  expect([wrong.status, wrong.text]).toEqual([200, '{"code":401,"description":"Unauthorized"}']);
  const missing = await call(`${simulator.url}/partner/deleteInstanceAccount/${PARTNER_TOKEN}`, 'POST', { idInstance: 310099999999 });
  expect([missing.status, missing.text]).toEqual([200, '{"code":404,"description":"Not found"}']);
  expect((await call(`${simulator.url}/partner/createInstance/${PARTNER_TOKEN}`, 'POST', {})).status).toBe(400);
});

test('without a partner token every call is refused', async () => {
  const simulator = await simulatorForTest();
  expect(await callJson(`${simulator.url}/partner/getInstances/null`)).toEqual({ code: 401, description: 'Unauthorized' });
});
