import { expect, test } from 'vitest';
import type { Hit } from '../test/fixtures.ts';
import { callJson, createClock, methodUrl, receiverForTest, simulatorForTest } from '../test/fixtures.ts';

/** Takes the next webhook, acknowledges it, and returns its state. */
async function acknowledge(next: () => Promise<Hit>): Promise<string> {
  const hit = await next();
  hit.answer(200);
  return hit.body.stateInstance;
}

test('a scan is sent as the provider sends it', async () => {
  const { now } = createClock(1_800_000_000_900);
  const simulator = await simulatorForTest({ now });
  const { url, next } = await receiverForTest();
  const instance = simulator.createInstance({ phone: '79990001122', webhook: { url, token: 'hook-token' } });
  instance.scan();
  const hit = await next();
  expect(hit.authorization).toBe('Bearer hook-token');
  expect(hit.body).toEqual({
    typeWebhook: 'stateInstanceChanged',
    instanceData: { idInstance: Number(instance.idInstance), wid: '79990001122@c.us', typeInstance: 'v3' },
    timestamp: 1_800_000_000,
    stateInstance: 'authorized',
  });
  expect(instance.idInstance).toMatch(/^\d{12}$/);
  hit.answer(200);
});

test('an end of the link has an empty wid, and restarts are sent at their end', async () => {
  const simulator = await simulatorForTest({ startingMs: 20 });
  const { url, next } = await receiverForTest();
  const instance = simulator.createInstance({ state: 'authorized', webhook: { url } });
  await callJson(methodUrl(simulator, instance, 'logout'));
  const hit = await next();
  expect([hit.authorization, hit.body.stateInstance, hit.body.instanceData['wid']]).toEqual([undefined, 'notAuthorized', '']);
  hit.answer(200);
});

test.each([
  ['Basic', 'Basic secret'],
  ['', 'secret'],
  [null, undefined],
])('scheme %j sends %j', async (scheme, expected) => {
  const simulator = await simulatorForTest();
  const { url, next } = await receiverForTest();
  const instance = simulator.createInstance({ webhook: { url, token: 'secret' } });
  instance.notify({ state: 'authorized', scheme });
  instance.notify({ state: 'blocked' });
  const [first] = [await next()];
  expect(first.authorization).toBe(expected);
  first.answer(200);
  const second = await next();
  expect(second.authorization).toBe('Bearer secret');
  second.answer(200);
});

test('only 200 acknowledges: the same one is sent again, and later ones wait behind it', async () => {
  const simulator = await simulatorForTest({ webhookRetryMs: 5 });
  const { url, next, waiting } = await receiverForTest();
  const instance = simulator.createInstance({ webhook: { url } });
  instance.setState('blocked');
  instance.setState('authorized');
  for (const status of [500, 204]) {
    const hit = await next();
    expect([hit.body.stateInstance, waiting()]).toEqual(['blocked', 0]);
    hit.answer(status);
  }
  expect(await acknowledge(next)).toBe('blocked');
  expect(await acknowledge(next)).toBe('authorized');
  expect(instance.deliveries.map(({ status }) => status).slice(0, 3)).toEqual([500, 204, 200]);
});

test('a webhook that is not answered in time is sent again', async () => {
  const simulator = await simulatorForTest({ webhookRetryMs: 1, webhookTimeoutMs: 30 });
  const { url, next } = await receiverForTest();
  const instance = simulator.createInstance({ webhook: { url } });
  instance.scan();
  const hung = await next();
  const again = await next();
  expect(again.body).toEqual(hung.body);
  again.answer(200);
  expect(instance.deliveries[0]?.status).toBeNull();
});

test('a new address ends the pause after a failure', async () => {
  const simulator = await simulatorForTest({ webhookRetryMs: 600_000 });
  const [broken, working] = [await receiverForTest(), await receiverForTest()];
  const instance = simulator.createInstance({ webhook: { url: broken.url } });
  instance.scan();
  (await broken.next()).answer(500);
  instance.setWebhook({ url: working.url });
  expect(await acknowledge(working.next)).toBe('authorized');
});

test('lost, duplicated, and then normal', async () => {
  const simulator = await simulatorForTest();
  const { url, next } = await receiverForTest();
  const instance = simulator.createInstance({ webhook: { url } });
  instance.loseWebhooks(1);
  instance.duplicateWebhooks(1);
  for (const state of ['lost', 'doubled', 'single', 'last']) instance.notify({ state });
  const seen = [await acknowledge(next), await acknowledge(next), await acknowledge(next), await acknowledge(next)];
  expect(seen).toEqual(['doubled', 'doubled', 'single', 'last']);
});

test('a late one has its original time', async () => {
  const { now, advance } = createClock();
  const simulator = await simulatorForTest({ now });
  const { url, next } = await receiverForTest();
  const instance = simulator.createInstance({ webhook: { url } });
  instance.delayWebhooks(30);
  instance.notify({ state: 'late' });
  instance.delayWebhooks(0);
  advance(600_000);
  instance.notify({ state: 'prompt' });
  expect(await acknowledge(next)).toBe('prompt');
  const late = await next();
  late.answer(200);
  expect([late.body.stateInstance, now() / 1_000 - late.body.timestamp]).toEqual(['late', 600]);
});

test('an outdated one, and a pair within one second', async () => {
  const { now } = createClock();
  const simulator = await simulatorForTest({ now });
  const { url, next } = await receiverForTest();
  const instance = simulator.createInstance({ webhook: { url } });
  instance.notify({ state: 'authorized', offsetMs: -86_400_000 });
  instance.notify({ sameSecondPair: ['notAuthorized', 'authorized'] });
  const hits: Hit[] = [];
  for (let count = 0; count < 3; count++) {
    const hit = await next();
    hit.answer(200);
    hits.push(hit);
  }
  expect(hits.map(({ body }) => [body.stateInstance, now() / 1_000 - body.timestamp])).toEqual([
    ['authorized', 86_400],
    ['notAuthorized', 0],
    ['authorized', 0],
  ]);
  expect(instance.state()).toBe('notAuthorized');
});

test('closing ends a delivery that hangs and a pause that waits', async () => {
  const simulator = await simulatorForTest();
  const [hanging, failing] = [await receiverForTest(), await receiverForTest()];
  for (const { url } of [hanging, failing]) simulator.createInstance({ webhook: { url } }).scan();
  await hanging.next();
  (await failing.next()).answer(500);
  await simulator.close();
  const [first] = simulator.instances();
  expect(first?.deliveries.map(({ status }) => status)).toEqual([null]);
});
