/** Tries of a worker that hung beyond the lock of its job, while another worker ran the job. */

import type { CallbackHandlers } from '@qrcast/runtime/callbacks/callback-jobs';
import type { LoggedCallback } from '@qrcast/runtime/callbacks/callback-log';
import { createReceivers } from '@qrcast/runtime/callbacks/callback-receivers';
import type { TestReceiver } from '@qrcast/runtime/test/receiver';
import { afterEach, describe, expect, it } from 'vitest';
import { prepareCallbacks, type TestCallbacks } from '../../test/callbacks.ts';
import { createCallbackMeters } from './callback-meters.ts';
import { openCallbackPost } from './callback-post.ts';
import { createCallbackSender } from './callback-sender.ts';
import { createCallbackSlots } from './callback-slots.ts';

const { receiver, callbacks } = prepareCallbacks();
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

type Sender = Omit<CallbackHandlers, 'check'>;

/** Sends what a test tells it to, without the queue and so without its locks. */
function openSender(test: TestCallbacks, { url }: TestReceiver): Sender {
  const post = openCallbackPost({ callbackHosts: [url] });
  open.push(post);
  const { runtime, keyring, callbackLog, relayLanes, clock } = test;
  const receivers = createReceivers({ ...runtime, keyring });
  const parts = {
    receivers,
    callbackLog,
    relayLanes,
    post,
    slots: createCallbackSlots(),
    callbackMeters: createCallbackMeters(runtime.meters),
  };
  return createCallbackSender({ ...runtime, ...parts, clock });
}

/** Starts a late try, whose answer the test decides after `meanwhile`. */
async function lateTry(status: number, meanwhile: (test: TestCallbacks, logged: LoggedCallback) => Promise<unknown>) {
  const server = await receiver();
  const test = await callbacks([server], { workers: 0 });
  const { id: tenantId } = await test.tenant({ callback: server.url });
  const answer = Promise.withResolvers<void>();
  server.answer(() => (response) => void answer.promise.then(() => response.writeHead(status).end()));
  const callback = {
    id: 'evt_1',
    tenantId,
    sessionId: 'ses_1',
    type: 'session.connected',
    createdAt: test.clock.now(),
    payload: '{}',
  } as const;
  await test.callbackLog.add(callback);
  const { deliver } = openSender(test, server);
  const trying = deliver(tenantId, callback.id);
  await server.until(1);
  const find = () => test.callbackLog.find(tenantId, callback.id);
  const logged = await find();
  if (logged === null) throw new Error('nothing was logged');
  await meanwhile(test, logged);
  const before = await find();
  answer.resolve();
  return { againInMs: await trying, before, after: await find(), deliver: () => deliver(tenantId, callback.id), server };
}

describe('a late try of a callback', () => {
  it('changes nothing if another worker delivered the callback meanwhile', async () => {
    const { againInMs, before, after, deliver, server } = await lateTry(500, (test, logged) =>
      test.callbackLog.record(logged, { at: 1, ms: 1, status: 200 }, { state: 'delivered', nextAttemptAt: 0 }),
    );
    expect(before).toMatchObject({ state: 'delivered', attempts: [{ status: 200 }] });
    expect(after).toEqual(before);
    expect(againInMs).toBe(0); // it is looked at again
    expect(await deliver()).toBeNull();
    expect(server.received).toHaveLength(1);
  });

  it('counts if it was delivered and another worker has only failed meanwhile', async () => {
    const { againInMs, after } = await lateTry(204, (test, logged) =>
      test.callbackLog.record(logged, { at: 1, ms: 1, error: 'timeout' }, { state: 'pending', nextAttemptAt: 0 }),
    );
    expect(after).toMatchObject({ state: 'delivered', failures: 1, attempts: [{ error: 'timeout' }, { status: 204 }] });
    expect(againInMs).toBeNull();
  });

  it('does not count if the callback was replayed meanwhile', async () => {
    const { againInMs, before, after } = await lateTry(204, (test, logged) => test.callbackLog.reopen(logged, test.clock.now() + 1));
    expect(before).toMatchObject({ state: 'pending' });
    expect(after).toEqual(before);
    expect(againInMs).toBe(0);
  });
});
