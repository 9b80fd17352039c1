import { randomBytes } from 'node:crypto';
import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { openTestRuntime, sampleSession, type TestRuntime } from '../../test/runtime.ts';
import { connectedInstanceKey, sessionCallbacksKey, sessionKey, tenantsKey } from '../redis/keys.ts';
import type { Sessions } from '../sessions/sessions.ts';
import { openRedisSessions } from '../sessions/sessions-redis.ts';
import { tenantContext } from '../tenants/tenant-record.ts';
import { connectedContext, openCredentials, sealCredentials } from './credentials-vault.ts';
import { proveKeyring } from './key-proofs.ts';
import { createKeyRotation } from './key-rotation.ts';
import { createKeyring, type Keyring } from './keyring.ts';

const secret = { apiUrl: 'https://3100.api.green-api.com', apiToken: 'a-token-of-the-instance' };
const [oldKey, newKey] = ['old', 'new'].map((id) => ({ id, key: randomBytes(32) })) as [RingKey, RingKey];
type RingKey = { readonly id: string; readonly key: Buffer };
const [before, after] = [createKeyring([oldKey, newKey]), createKeyring([newKey, oldKey])];

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
const rotation = (keyring: Keyring, redis = runtime.redis) => createKeyRotation({ redis, namespace: runtime.namespace, keyring });
const prove = (keyring: Keyring) => proveKeyring(runtime.redis, runtime.namespace, keyring);
const counts = async (keyring = after) => Object.fromEntries((await rotation(keyring).count()).byKey);

async function session(keyring = before): Promise<string> {
  const { id, ...rest } = sampleSession();
  await sessions.create({ id, ...rest }, sealCredentials(keyring, id, secret));
  return id;
}

async function tenant(id: string, keyring = before): Promise<void> {
  const seal = (text: string) => keyring.seal(text, tenantContext(id));
  const record = { id, sealedCallbackSecret: seal('whsec_now'), previousCallbackSecret: { sealed: seal('whsec_then'), validUntil: 9 } };
  await runtime.redis.hset(tenantsKey(runtime.namespace), id, JSON.stringify(record));
}

it('moves sessions and both secrets of a tenant, and changes only their key', async () => {
  await prove(before);
  await prove(after);
  const ids = await Promise.all(Array.from({ length: 1_200 }, () => session())); // more than one batch
  await tenant('acme');
  await runtime.redis.rpush(sessionCallbacksKey(runtime.namespace, ids[0] ?? ''), 'another type of key beside it');
  const record = await runtime.redis.hget(sessionKey(runtime.namespace, ids[0] ?? ''), 'record');
  expect(await counts()).toEqual({ new: 0, old: 1_202 });

  expect(await rotation(after).rotate()).toMatchObject({ moved: 1_202, unreadable: 0 });
  expect(await counts()).toEqual({ new: 1_202 });
  const alone = createKeyring([newKey]);
  await expect(prove(alone)).rejects.toThrow('they have a key "old"'); // the process that sealed it may seal more
  expect(await rotation(after).rotate()).toMatchObject({ moved: 0 });

  await prove(alone); // the old key can be removed
  for (const id of ids.slice(0, 20)) expect(openCredentials(alone, id, (await sessions.readSealed(id)) ?? '')).toEqual(secret);
  expect(await runtime.redis.hget(sessionKey(runtime.namespace, ids[0] ?? ''), 'record')).toBe(record);
  const moved = JSON.parse((await runtime.redis.hget(tenantsKey(runtime.namespace), 'acme')) ?? '');
  expect(alone.open(moved.sealedCallbackSecret, tenantContext('acme'))).toBe('whsec_now');
  expect(alone.open(moved.previousCallbackSecret.sealed, tenantContext('acme'))).toBe('whsec_then');
  expect(moved.previousCallbackSecret.validUntil).toBe(9);
});

it('moves the credentials of connected instances, still bound to their record, and nothing in other keys', async () => {
  await prove(before);
  await prove(after);
  const [a, b] = [
    { tenantId: 'acme', instanceId: '1101000001' },
    { tenantId: 'a-b_c', instanceId: '1101000002' },
  ] as const;
  const keyOf = (at: typeof a | typeof b) => connectedInstanceKey(runtime.namespace, at.tenantId, at.instanceId);
  for (const at of [a, b])
    await runtime.redis.hset(keyOf(at), { record: '{"as":"it was"}', sealed: sealCredentials(before, connectedContext(at), secret) });
  await runtime.redis.hset(connectedInstanceKey(runtime.namespace, 'acme', '1101000003'), 'record', '{}'); // without credentials
  await runtime.redis.pexpire(keyOf(a), 3_600_000);
  expect(await counts()).toEqual({ new: 0, old: 2 });
  expect(await rotation(after).rotate()).toMatchObject({ moved: 2, unreadable: 0 });
  expect(await rotation(after).rotate()).toMatchObject({ moved: 0 });
  const alone = createKeyring([newKey]);
  await prove(alone);
  for (const at of [a, b])
    expect(openCredentials(alone, connectedContext(at), (await runtime.redis.hget(keyOf(at), 'sealed')) ?? '')).toEqual(secret);
  expect(await runtime.redis.hget(keyOf(a), 'record')).toBe('{"as":"it was"}');
  expect(await runtime.redis.pttl(keyOf(a))).toBeGreaterThan(0);
});

it('does not overwrite concurrent changes, and moves them in the next pass', async () => {
  await prove(after);
  await tenant('acme');
  let changes = 0;
  // Another process changes the tenant between the read and the write of each pass.
  const racing = new Proxy(runtime.redis, {
    get(target, name) {
      if (name !== 'hgetall') return Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name);
      return async (key: string) => {
        const all = await target.hgetall(key);
        if (key === tenantsKey(runtime.namespace) && changes++ < 2) {
          const text = all['acme'] ?? '';
          await target.hset(key, 'acme', JSON.stringify({ ...JSON.parse(text), name: `name ${changes}` }));
        }
        return all;
      };
    },
  });
  await rotation(after, racing).rotate();
  const record = JSON.parse((await runtime.redis.hget(tenantsKey(runtime.namespace), 'acme')) ?? '');
  expect(record.name).toBe('name 2');
  expect(await counts()).toEqual({ new: 0, old: 2 });
  expect(await rotation(after).rotate()).toMatchObject({ moved: 2 });
});

it('does not recreate a session that ended in the meantime, and touches no other installation', async () => {
  await prove(after);
  const other = openTestRuntime(inject('redisUrl'));
  const foreign = sampleSession();
  const text = sealCredentials(before, foreign.id, secret);
  await runtime.redis.hset(sessionKey(other.namespace, foreign.id), 'sealed', text);
  const id = await session();
  const gone = new Proxy(runtime.redis, {
    get(target, name) {
      const given = Reflect.get(target, name);
      if (name !== 'hget') return typeof given === 'function' ? given.bind(target) : given;
      return async (key: string, field: string) => {
        const value = await target.hget(key, field);
        await target.del(key);
        return value;
      };
    },
  });
  expect(await rotation(after, gone).rotate()).toMatchObject({ moved: 0 });
  expect(await runtime.redis.exists(sessionKey(runtime.namespace, id))).toBe(0);
  expect(await runtime.redis.hget(sessionKey(other.namespace, foreign.id), 'sealed')).toBe(text);
  await runtime.redis.del(sessionKey(other.namespace, foreign.id));
  await other.close();
});

it('moves nothing to a key that no process has first, because none could read it', async () => {
  await prove(before);
  const id = await session();
  await expect(rotation(after).rotate()).rejects.toThrow('no process on this Redis was started with the key "new" first');
  expect(openCredentials(before, id, (await sessions.readSealed(id)) ?? '')).toEqual(secret);
});

it('counts records that it cannot read, and leaves them', async () => {
  await prove(after);
  const lost = createKeyring([{ id: 'lost', key: randomBytes(32) }]);
  const id = await session(lost);
  await session();
  const text = await sessions.readSealed(id);
  const result = await rotation(after).rotate();
  expect([result.moved, result.unreadable, Object.fromEntries(result.byKey)]).toEqual([1, 1, { new: 1, lost: 1 }]);
  expect(await sessions.readSealed(id)).toBe(text);
});

it('names tenants whose records it cannot read, moves everything else, and releases no key', async () => {
  await prove(before);
  await prove(after);
  await tenant('acme');
  for (const [id, text] of Object.entries({ broken: '{"id":', strange: '{"id":"strange"}' })) {
    await runtime.redis.hset(tenantsKey(runtime.namespace), id, text);
  }
  const result = await rotation(after).rotate();
  expect([result.moved, result.unreadableTenants.toSorted()]).toEqual([2, ['broken', 'strange']]);
  const alone = createKeyring([newKey]);
  expect(await rotation(after).rotate()).toMatchObject({ moved: 0 });
  await expect(prove(alone)).rejects.toThrow('they have a key "old"');
  await runtime.redis.hdel(tenantsKey(runtime.namespace), 'broken', 'strange');
  expect(await rotation(after).rotate()).toMatchObject({ moved: 0, unreadableTenants: [] });
  await prove(alone);
});

it('forgets a key that was announced and given up, so that its id can be used, but not one that is still to come', async () => {
  const [typo, later] = ['new', 'later'].map((id) => ({ id, key: randomBytes(32) })) as [RingKey, RingKey];
  const [mistaken, ring] = [createKeyring([oldKey, typo]), createKeyring([oldKey, later])];
  await prove(mistaken);
  await expect(prove(before)).rejects.toThrow('their key "new" is another one');
  await prove(ring);
  await rotation(ring).rotate();
  await prove(before);
  await prove(createKeyring([later, oldKey])); // it was announced and still is
});
