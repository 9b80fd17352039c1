/** Checks of a tenant's connected instances, of which one has an entry that cannot be read. */

import { randomBytes } from 'node:crypto';
import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import { DEFAULT_UPSTREAM_HOSTS } from '@qrcast/core/upstream';
import { createCheckQueue } from '@qrcast/runtime/connected/check-queue';
import { createConnectedInstances } from '@qrcast/runtime/connected/connected-instances';
import { connectedSettingsIn } from '@qrcast/runtime/connected/connected-settings';
import { sealCredentials } from '@qrcast/runtime/keyring/credentials-vault';
import { createKeyring } from '@qrcast/runtime/keyring/keyring';
import { createInstanceHolds } from '@qrcast/runtime/polling/instance-hold';
import { checksKey, connectedInstanceKey, sessionKey, tenantInstanceKey, tenantsKey } from '@qrcast/runtime/redis/keys';
import { openRedisSessions } from '@qrcast/runtime/sessions/sessions-redis';
import type {} from '@qrcast/runtime/test/redis'; // for the type of inject('redisUrl')
import { openTestRuntime, type TestRuntime } from '@qrcast/runtime/test/runtime';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { type ConnectedChecks, createConnectedChecks } from './connected-checks.ts';

const SECRET = { apiUrl: 'https://1101.api.green-api.com', apiToken: 'token-of-the-instance' };
const BAD = '1101000001';
const GOOD = '1101000002';

let runtime: TestRuntime;
let check: ConnectedChecks;
let asked: string[];
const opened: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  runtime = openTestRuntime(inject('redisUrl'));
  opened.push(runtime);
  const { redis, namespace } = runtime;
  const keyring = createKeyring([{ id: 'k1', key: randomBytes(32) }]);
  await redis.hset(tenantsKey(namespace), 'acme', JSON.stringify({ callback: { url: 'x' }, checkConnectedEvery: 60 }));
  const connected = createConnectedInstances({ ...runtime, keyring });
  for (const instanceId of [BAD, GOOD]) {
    const sessionId = `ses_${instanceId}`;
    await redis.hset(sessionKey(namespace, sessionId), 'sealed', sealCredentials(keyring, sessionId, SECRET));
    const login = { tenantId: 'acme', instanceId, sessionId, reference: null, instanceKey: `key-${instanceId}`, loginAt: Date.now() };
    await connected.remember(login);
  }
  const sessions = openRedisSessions({ ...runtime, policy: DEFAULT_POLICY });
  opened.push(sessions);
  asked = [];
  check = createConnectedChecks({
    ...runtime,
    settingsOf: connectedSettingsIn(runtime),
    connected,
    checkQueue: createCheckQueue(runtime),
    holds: createInstanceHolds(runtime),
    sessions,
    provider: {
      async poll({ instanceId }) {
        asked.push(instanceId);
        return { kind: 'authorized', account: null };
      },
    },
    hostSlots: { run: (_host, _tenantId, request) => request() },
    upstreamHosts: DEFAULT_UPSTREAM_HOSTS,
  });
});

afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function checkBoth(): Promise<void> {
  const now = runtime.clock.now();
  await check('acme'); // chooses the times
  await runtime.redis.zadd(checksKey(runtime.namespace, 'acme'), now - 1, BAD, now - 1, GOOD);
  await check('acme');
}

/** When the bad instance is due again, ms from now. */
const dueIn = async (): Promise<number> =>
  Number(await runtime.redis.zscore(checksKey(runtime.namespace, 'acme'), BAD)) - runtime.clock.now();

it('of which one has an unreadable record: the others are asked, and it is looked at again', async () => {
  const { redis, namespace } = runtime;
  const key = connectedInstanceKey(namespace, 'acme', BAD);
  await redis.hset(key, 'record', '{"id":');
  await checkBoth();
  expect(asked).toEqual([GOOD]);
  expect(await redis.hget(key, 'record')).toBe('{"id":');
  expect(await dueIn()).toBeGreaterThan(60_000);
});

it('of which one has an unreadable session: all are asked', async () => {
  const { redis, namespace } = runtime;
  await redis.set(tenantInstanceKey(namespace, 'acme', BAD), 'ses_bad');
  await redis.hset(sessionKey(namespace, 'ses_bad'), 'record', '{"id":');
  await checkBoth();
  expect(asked.toSorted()).toEqual([BAD, GOOD]);
});
