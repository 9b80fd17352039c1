import { randomBytes } from 'node:crypto';
import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { openTestRuntime, sampleSession, type TestRuntime } from '../../test/runtime.ts';
import { sealCredentials } from '../keyring/credentials-vault.ts';
import { createKeyring, type Keyring } from '../keyring/keyring.ts';
import { sessionKey, tenantsKey } from '../redis/keys.ts';
import { tenantContext } from '../tenants/tenant-record.ts';
import type { Sessions } from './sessions.ts';
import { openRedisSessions } from './sessions-redis.ts';
import { countStored } from './stored-records.ts';

const [own, other] = ['own', 'other'].map((id) => createKeyring([{ id, key: randomBytes(32) }])) as [Keyring, Keyring];

let runtime: TestRuntime;
let sessions: Sessions;
beforeEach(() => {
  runtime = openTestRuntime(inject('redisUrl'));
  sessions = openRedisSessions({ ...runtime, policy: DEFAULT_POLICY });
});
afterEach(async () => {
  await sessions.close();
  await runtime.close();
});

const count = () => countStored({ redis: runtime.redis, namespace: runtime.namespace, keyring: own });

async function session(keyring: Keyring): Promise<string> {
  const made = sampleSession();
  await sessions.create(made, sealCredentials(keyring, made.id, { apiUrl: 'https://3100.api.green-api.com', apiToken: 'a-token-of-it' }));
  return made.id;
}

async function tenant(id: string, record: object): Promise<void> {
  await runtime.redis.hset(tenantsKey(runtime.namespace), id, JSON.stringify(record));
}

it('counts nothing unreadable among records of this version under these keys', async () => {
  await session(own);
  await tenant('acme', { id: 'acme', sealedCallbackSecret: own.seal('whsec_1', tenantContext('acme')) });
  expect(await count()).toEqual({ secrets: 2, unopened: 0, sessions: 1, unreadableSessions: 0, tenants: 1, unreadableTenants: [] });
});

it('counts secrets of another key, sessions of another version, and names tenants that cannot be read', async () => {
  await session(other);
  const strange = await session(own);
  await runtime.redis.hset(sessionKey(runtime.namespace, strange), 'record', '{"of":"another version"}');
  await tenant('acme', { of: 'another version' });
  expect(await count()).toEqual({ secrets: 2, unopened: 1, sessions: 2, unreadableSessions: 1, tenants: 1, unreadableTenants: ['acme'] });
});

it('reads sessions without credentials as well, and more than one batch of them, each once', async () => {
  const { redis, namespace } = runtime;
  const many = 1_200;
  for (let n = 0; n < many; n++) await session(own);
  const ended = await session(own);
  await redis.hdel(sessionKey(namespace, ended), 'sealed');
  const strange = await session(own);
  await redis.hdel(sessionKey(namespace, strange), 'sealed');
  await redis.hset(sessionKey(namespace, strange), 'record', '{"of":"another version"}');
  expect(await count()).toMatchObject({ secrets: many, sessions: many + 2, unreadableSessions: 1 });
});
