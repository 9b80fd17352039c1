import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { forgetKeyProof, proveKeyring, provenKeyIds } from './key-proofs.ts';
import { createKeyring } from './keyring.ts';
import { openTestRuntime, type TestRuntime } from './test-runtime.ts';

const key = (id: string) => ({ id, key: randomBytes(32) });

let runtime: TestRuntime;
beforeEach(() => {
  runtime = openTestRuntime(inject('redisUrl'));
});
afterEach(() => runtime.close());
const prove = (...keys: ReturnType<typeof key>[]): Promise<void> => proveKeyring(runtime.redis, runtime.namespace, createKeyring(keys));

it('lets in who has the keys of the first, and nobody else', async () => {
  const [one, other, another] = [key('k1'), key('k1'), key('k2')];
  await prove(one);
  await prove(one);
  await expect(prove(other)).rejects.toThrow('QRCAST_SECRET_KEYS differ');
  await expect(prove(another)).rejects.toThrow('they have a key "k1"');
  await prove(one); // who was refused left nothing behind that refuses others
});

it('of a rotation: both keys are wanted until the older one is forgotten', async () => {
  const [old, fresh] = [key('old'), key('new')];
  await prove(old);
  await prove(old, fresh);
  await prove(old); // restarted meanwhile, as it was: nothing is sealed under the new key yet
  await prove(fresh, old);
  await expect(prove(old)).rejects.toThrow('they have a key "new"');
  await expect(prove(fresh)).rejects.toThrow('run `qrcast rotate-keys` before it is dropped');
  await forgetKeyProof(runtime.redis, runtime.namespace, 'old');
  await prove(fresh);
  expect(await provenKeyIds(runtime.redis, runtime.namespace)).toEqual(['new']);
});

it('a new key that nobody could read yet is refused in front, and leaves nothing behind', async () => {
  const [old, fresh] = [key('old'), key('new')];
  await prove(old);
  await expect(prove(fresh, old)).rejects.toThrow('"new" is new and stands first');
  expect(await provenKeyIds(runtime.redis, runtime.namespace)).toEqual(['old']);
  await prove(old);
  await prove(old, fresh);
  await prove(fresh, old);
  expect((await provenKeyIds(runtime.redis, runtime.namespace)).toSorted()).toEqual(['new', 'old']);
});

it('of two first processes with different keys at once, not both come in', async () => {
  const results = await Promise.allSettled([prove(key('a')), prove(key('b'))]);
  expect(results.filter(({ status }) => status === 'fulfilled').length).toBeLessThan(2);
});
