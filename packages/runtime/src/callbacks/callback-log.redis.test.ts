import { GIVE_UP_AFTER_MS } from '@qrcast/core/callback-schedule';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { openTestRuntime, type TestRuntime } from '../../test/runtime.ts';
import { callbackKey, settledCallbacksKey } from '../redis/keys.ts';
import { type CallbackLog, createCallbackLog, KEEP_CALLBACKS_MS, type LoggedCallback } from './callback-log.ts';

let runtime: TestRuntime;
let log: CallbackLog;
let tenants = 0;

beforeAll(() => {
  runtime = openTestRuntime(inject('redisUrl'));
  log = createCallbackLog(runtime);
});
afterAll(() => runtime.close());

/** A callback of a tenant that has no other. */
async function added(): Promise<LoggedCallback> {
  const callback = {
    id: 'evt_1',
    tenantId: `acme-${tenants++}`,
    sessionId: 'ses_1',
    type: 'session.connected',
    createdAt: Date.now(),
    payload: '{}',
  } as const;
  await log.add(callback);
  return found(callback);
}

async function found({ tenantId, id }: LoggedCallback['callback']): Promise<LoggedCallback> {
  const logged = await log.find(tenantId, id);
  if (logged === null) throw new Error('the callback is gone');
  return logged;
}

const settledKey = ({ callback }: LoggedCallback): string => settledCallbacksKey(runtime.namespace, callback.tenantId);
const FAILED_TRY = { at: 1, ms: 1, status: 500 };

it('records a try that failed, and the callback stays to be sent', async () => {
  const logged = await added();
  expect(await log.record(logged, FAILED_TRY, { state: 'pending', nextAttemptAt: 5 })).toBe(true);
  expect(await found(logged.callback)).toEqual({ ...logged, attempts: [FAILED_TRY], failures: 1, nextAttemptAt: 5 });
  expect(await runtime.redis.exists(settledKey(logged))).toBe(0);
});

it('lists a callback that is settled by its age, for a week after the last', async () => {
  const logged = await added();
  expect(await log.record(logged, { ...FAILED_TRY, status: 200 }, { state: 'delivered', nextAttemptAt: 5 })).toBe(true);
  expect(await found(logged.callback)).toMatchObject({ state: 'delivered', failures: 0 });
  const key = settledKey(logged);
  expect(await runtime.redis.zrange(key, 0, '-1', 'WITHSCORES')).toEqual(['evt_1', String(logged.callback.createdAt)]);
  const left = await runtime.redis.pttl(key);
  expect(left).toBeLessThanOrEqual(KEEP_CALLBACKS_MS);
  expect(left).toBeGreaterThan(KEEP_CALLBACKS_MS - 3_600_000);
});

it('records nothing of a callback that was reopened during the try', async () => {
  const logged = await added();
  await log.reopen(logged, Date.now() + GIVE_UP_AFTER_MS);
  const reopened = await found(logged.callback);
  expect(await log.record(logged, FAILED_TRY, { state: 'failed', nextAttemptAt: 5 })).toBe(false);
  expect(await found(logged.callback)).toEqual(reopened);
  expect(await runtime.redis.exists(settledKey(logged))).toBe(0);
});

it('records nothing of a late try once another worker has recorded that the callback was delivered', async () => {
  const logged = await added();
  expect(await log.record(logged, { ...FAILED_TRY, status: 200 }, { state: 'delivered', nextAttemptAt: 0 })).toBe(true);
  const delivered = await found(logged.callback);
  expect(await log.record(logged, FAILED_TRY, { state: 'pending', nextAttemptAt: 5 })).toBe(false);
  expect(await found(logged.callback)).toEqual(delivered);
  expect(await runtime.redis.zcard(settledKey(logged))).toBe(1);
});

it('records nothing of a late try once another worker has recorded a try that failed', async () => {
  const logged = await added();
  const times = Array.from({ length: 60 }, (_, n) => n); // more than the attempts that are kept
  for (const at of times) await log.record(await found(logged.callback), { ...FAILED_TRY, at }, { state: 'pending', nextAttemptAt: 5 });
  const read = await found(logged.callback);
  expect(await log.record(read, FAILED_TRY, { state: 'pending', nextAttemptAt: 6 })).toBe(true);
  const recorded = await found(logged.callback);
  expect(recorded.attempts).toHaveLength(read.attempts.length);
  expect(await log.record(read, FAILED_TRY, { state: 'failed', nextAttemptAt: 7 })).toBe(false);
  expect(await found(logged.callback)).toEqual(recorded);
});

it('records nothing of a callback that is gone', async () => {
  const logged = await added();
  const key = callbackKey(runtime.namespace, logged.callback.tenantId, logged.callback.id);
  await runtime.redis.del(key);
  expect(await log.record(logged, FAILED_TRY, { state: 'failed', nextAttemptAt: 5 })).toBe(false);
  expect(await runtime.redis.exists(key, settledKey(logged))).toBe(0);
});
