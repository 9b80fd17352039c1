import { expect, test } from 'vitest';
import { call, createClock, methodUrl, simulatorForTest } from '../test/fixtures.ts';
import { RequestLog } from './request-log.ts';

test('every call is logged with its time, its end and its status, also a refused one', async () => {
  const { now, advance } = createClock(5_000);
  const simulator = await simulatorForTest({ now, enforceRateLimit: true });
  const instance = simulator.createInstance();
  const url = methodUrl(simulator, instance, 'qr');
  await call(url);
  advance(100);
  await call(url);
  await call(`${url}x`);
  expect(instance.requests).toMatchObject([
    { method: 'qr', at: 5_000, status: 200, overlapped: false },
    { method: 'qr', at: 5_100, status: 429, overlapped: false },
    { method: 'qr', at: 5_100, status: 401, overlapped: false },
  ]);
  for (const { startedAt, endedAt } of instance.requests) expect(endedAt).toBeGreaterThanOrEqual(startedAt);
});

test('two calls that were open at the same time are both marked', async () => {
  const simulator = await simulatorForTest();
  const instance = simulator.createInstance();
  instance.fail('qr', 'hang', { ms: 60_000 });
  const hanging = call(methodUrl(simulator, instance, 'qr'));
  await instance.untilRequests(1);
  await call(methodUrl(simulator, instance, 'getStateInstance'));
  expect(instance.requests.map(({ overlapped }) => overlapped)).toEqual([true, true]);
  await Promise.all([simulator.close(), expect(hanging).rejects.toThrow()]);
});

test('a waiting reader of the queue overlaps nothing', async () => {
  const simulator = await simulatorForTest();
  const instance = simulator.createInstance();
  // With every notification off, as after creation, an empty queue would not wait.
  await call(methodUrl(simulator, instance, 'setSettings'), 'POST', { stateWebhook: 'yes' });
  const waiting = call(methodUrl(simulator, instance, 'receiveNotification'));
  await instance.untilRequests(1, 'receiveNotification');
  await call(methodUrl(simulator, instance, 'qr'));
  expect(instance.requests.map(({ method, overlapped }) => [method, overlapped])).toEqual([
    ['setSettings', false],
    ['receiveNotification', false],
    ['qr', false],
  ]);
  await Promise.all([simulator.close(), expect(waiting).rejects.toThrow()]);
});

test('waiting for calls counts all earlier ones, of one method or of all', async () => {
  const log = new RequestLog(2);
  const threeOfQr = log.until(3, 'qr');
  for (let at = 0; at < 3; at++) log.begin('qr', at)(200);
  log.begin('reboot', 3)(200);
  expect((await threeOfQr).map(({ at }) => at)).toEqual([1, 2]);
  expect((await log.until(4, null)).map(({ method }) => method)).toEqual(['qr', 'reboot']);
});

test('waiting ends with the simulator', async () => {
  const simulator = await simulatorForTest();
  const awaited = simulator.createInstance().untilRequests(2, 'qr');
  await simulator.close();
  await expect(awaited).rejects.toMatchObject({ code: 'closed', message: expect.stringContaining('0 of 2 awaited requests (qr)') });
});
