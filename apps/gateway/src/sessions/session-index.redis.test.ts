/** Which session is the current one of an instance, when several calls claim it. */

import { tenantInstanceKey } from '@qrcast/runtime/redis/keys';
import { KEEP_EXPIRED_MS } from '@qrcast/runtime/sessions/sessions';
import { openTestRuntime, sampleSession, type TestRuntime } from '@qrcast/runtime/test/runtime';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { createSessionIndex, type SessionIndex } from './session-index.ts';

let runtime: TestRuntime;
let index: SessionIndex;
beforeAll(() => {
  runtime = openTestRuntime(inject('redisUrl'));
  index = createSessionIndex(runtime);
});
afterAll(() => runtime.close());

it('makes a session the current one only if the expected one still is it', async () => {
  const [first, second, third] = [sampleSession(), sampleSession(), sampleSession()];
  const { tenantId, instanceId } = first;
  expect(await index.claim(first, second.id)).toBe('');
  expect(await index.current(tenantId, instanceId)).toBeNull();
  expect(await index.claim(first, null)).toBe(first.id);
  expect(await index.claim(second, null)).toBe(first.id);
  expect(await index.claim(second, third.id)).toBe(first.id);
  expect(await index.current(tenantId, instanceId)).toBe(first.id);
  expect(await index.claim(second, first.id)).toBe(second.id);
  expect(await index.current(tenantId, instanceId)).toBe(second.id);
});

it('keeps which one is the current one as long as its record', async () => {
  const session = sampleSession({ instanceId: '1101000002' });
  await index.claim(session, null);
  const key = tenantInstanceKey(runtime.namespace, session.tenantId, session.instanceId);
  expect(await runtime.redis.pexpiretime(key)).toBe(session.expiresAt + KEEP_EXPIRED_MS);
});
