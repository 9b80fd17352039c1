import { expect, test } from 'vitest';
import { call, callJson, createClock, methodUrl, receiverForTest, simulatorForTest } from '../test/fixtures.ts';
import type { SimulatorOptions } from './options.ts';

interface Received {
  readonly receiptId: number;
  readonly body: { readonly stateInstance: string };
}

async function queue(options: SimulatorOptions = {}) {
  const simulator = await simulatorForTest(options);
  const instance = simulator.createInstance();
  const receive = async (): Promise<Received | null> =>
    (await callJson(methodUrl(simulator, instance, 'receiveNotification'))) as Received | null;
  const remove = (receiptId: number): Promise<{ status: number; text: string }> =>
    call(methodUrl(simulator, instance, 'deleteNotification', `/${receiptId}`), 'DELETE');
  const turnOn = (): Promise<unknown> => callJson(methodUrl(simulator, instance, 'setSettings'), { stateWebhook: 'yes' });
  return { simulator, instance, receive, remove, turnOn };
}

test('first in, first out, and both readers get the same one until it is deleted', async () => {
  const { instance, receive, remove } = await queue();
  instance.notify({ sameSecondPair: ['notAuthorized', 'authorized'] });
  const [first, sameForOther] = await Promise.all([receive(), receive()]);
  expect(first?.body.stateInstance).toBe('notAuthorized');
  expect(sameForOther).toEqual(first);
  expect(await receive()).toEqual(first);
  expect((await remove(first?.receiptId ?? 0)).text).toBe('{"result":true,"reason":""}');
  expect((await remove(first?.receiptId ?? 0)).text).toBe('{"result":false,"reason":""}');
  expect((await receive())?.body.stateInstance).toBe('authorized');
});

test('with every notification off an empty queue answers at once', async () => {
  const { receive, instance } = await queue();
  expect(await receive()).toBeNull();
  const { startedAt = 0, endedAt } = instance.requests[0] ?? {};
  // A waiting reader waits at least five seconds.
  expect((endedAt ?? Infinity) - startedAt).toBeLessThan(2_000);
});

test('a waiting reader gets a notification that comes while it waits', async () => {
  const { instance, receive, turnOn } = await queue();
  await turnOn();
  const received = receive();
  await instance.untilRequests(1, 'receiveNotification');
  expect(instance.requests.at(-1)?.endedAt).toBeNull();
  instance.setState('authorized');
  expect((await received)?.body.stateInstance).toBe('authorized');
});

test('changes enter the queue only if the notification is on', async () => {
  const { instance, receive } = await queue();
  instance.scan();
  expect(await receive()).toBeNull();
});

test('a notification is dropped after 24 hours', async () => {
  const { now, advance } = createClock();
  const { instance, receive } = await queue({ now });
  instance.notify({ state: 'authorized' });
  advance(86_400_000);
  expect(await receive()).not.toBeNull();
  advance(1);
  expect(await receive()).toBeNull();
});

test('the queue refuses if a webhook is set', async () => {
  const { simulator, instance, remove } = await queue();
  const { url } = await receiverForTest();
  instance.setWebhook({ url });
  const receiving = await call(methodUrl(simulator, instance, 'receiveNotification'));
  expect(receiving.status).toBe(400);
  expect(receiving.text).toContain('Message cannot be received because custom webhook url is set');
  expect((await remove(1)).status).toBe(400);
  instance.setWebhook(null);
  expect((await remove(1)).status).toBe(200);
});
