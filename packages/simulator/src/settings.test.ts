import { expect, test } from 'vitest';
import { call, callJson, createClock, methodUrl, simulatorForTest } from '../test/fixtures.ts';

const PATCH = { webhookUrl: 'http://127.0.0.1:9/hook', webhookUrlToken: 'secret', stateWebhook: 'yes' };

test('setSettings saves the given settings, keeps the others, and restarts the instance', async () => {
  const clock = createClock();
  const simulator = await simulatorForTest({ now: clock.now, startingMs: 2_000 });
  const instance = simulator.createInstance();
  expect(await callJson(methodUrl(simulator, instance, 'setSettings'), PATCH)).toEqual({ saveSettings: true });
  expect(instance.state()).toBe('starting');
  expect(await callJson(methodUrl(simulator, instance, 'getSettings'))).toMatchObject({ ...PATCH, incomingWebhook: 'no' });
  clock.advance(2_000);
  expect(instance.state()).toBe('notAuthorized');
});

test('getSettings may return the old settings for a while', async () => {
  const clock = createClock();
  const simulator = await simulatorForTest({ now: clock.now, settingsMs: 5_000 });
  const instance = simulator.createInstance();
  await call(methodUrl(simulator, instance, 'setSettings'), 'POST', PATCH);
  expect(await callJson(methodUrl(simulator, instance, 'getSettings'))).toMatchObject({ webhookUrl: '', stateWebhook: 'no' });
  clock.advance(5_000);
  expect(await callJson(methodUrl(simulator, instance, 'getSettings'))).toMatchObject(PATCH);
  expect(instance.settings).toMatchObject(PATCH);
});

test('settings may be forgotten, or not saved', async () => {
  const simulator = await simulatorForTest();
  const instance = simulator.createInstance();
  instance.fail('setSettings', 'savedNothing');
  instance.fail('setSettings', 'saveRefused');
  expect(await callJson(methodUrl(simulator, instance, 'setSettings'), PATCH)).toEqual({ saveSettings: true });
  expect(await callJson(methodUrl(simulator, instance, 'setSettings'), PATCH)).toEqual({ saveSettings: false });
  expect(await callJson(methodUrl(simulator, instance, 'getSettings'))).toMatchObject({ webhookUrl: '', stateWebhook: 'no' });
});
