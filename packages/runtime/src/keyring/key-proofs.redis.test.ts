import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { openTestRuntime, type TestRuntime } from '../../test/runtime.ts';
import { keyFingerprintsKey } from '../redis/keys.ts';
import { announcedKeyIds, forgetKeyProof, proveKeyring, provenKeyIds } from './key-proofs.ts';
import { createKeyring } from './keyring.ts';

const key = (id: string) => ({ id, key: randomBytes(32) });

let runtime: TestRuntime;
beforeEach(() => {
  runtime = openTestRuntime(inject('redisUrl'));
});
afterEach(() => runtime.close());
const prove = (...keys: ReturnType<typeof key>[]): Promise<void> => proveKeyring(runtime.redis, runtime.namespace, createKeyring(keys));

it('accepts only processes with the keys of the first', async () => {
  const [one, other, another] = [key('k1'), key('k1'), key('k2')];
  await prove(one);
  await prove(one);
  await expect(prove(other)).rejects.toThrow('QRCAST_SECRET_KEYS differ');
  await expect(prove(another)).rejects.toThrow('they have a key "k1"');
  await prove(one); // the refused process left nothing that refuses others
});

it('requires both keys of a rotation until the older one is forgotten', async () => {
  const [old, fresh] = [key('old'), key('new')];
  await prove(old);
  await prove(old, fresh);
  await prove(old); // restarted meanwhile without the new key, under which nothing is sealed yet
  await prove(fresh, old);
  await expect(prove(old)).rejects.toThrow('they have a key "new"');
  await expect(prove(fresh)).rejects.toThrow('run `qrcast rotate-keys` before it is dropped');
  await forgetKeyProof(runtime.redis, runtime.namespace, 'old');
  await prove(fresh);
  expect(await provenKeyIds(runtime.redis, runtime.namespace)).toEqual(['new']);
});

it('accepts another key under the id of a lost one, after the commands of .env.template', async () => {
  const template = readFileSync(new URL('../../../../.env.template', import.meta.url), 'utf8');
  const forgotten = [...template.matchAll(/redis-cli hdel qrcast:(\S+) <id>/g)].map(([, name]) => `${runtime.namespace}:${name}`);
  const [lost, other] = [key('k1'), key('k1')];
  await prove(lost);
  for (const name of forgotten.slice(1)) await runtime.redis.hdel(name, 'k1');
  await expect(prove(other)).rejects.toThrow('QRCAST_SECRET_KEYS differ');
  for (const name of forgotten) await runtime.redis.hdel(name, 'k1');
  await prove(other);
});

it('refuses an unannounced new key in front, and leaves nothing behind', async () => {
  const [old, fresh] = [key('old'), key('new')];
  await prove(old);
  await expect(prove(fresh, old)).rejects.toThrow('"new" is new and stands first');
  expect(await provenKeyIds(runtime.redis, runtime.namespace)).toEqual(['old']);
  await prove(old);
  await prove(old, fresh);
  await prove(fresh, old);
  expect((await provenKeyIds(runtime.redis, runtime.namespace)).toSorted()).toEqual(['new', 'old']);
});

it('refuses a second key announced under one id, and leaves nothing behind', async () => {
  const [old, fresh, other, third] = [key('old'), key('new'), key('new'), key('third')];
  await prove(old, fresh);
  await expect(prove(old, third, other)).rejects.toThrow('their key "new" is another one');
  expect((await announcedKeyIds(runtime.redis, runtime.namespace)).toSorted()).toEqual(['new', 'old']);
  await prove(old, fresh);
  await prove(fresh, old);
});

it('(twin) without fingerprints accepts both, which then differ when the key moves to the front', async () => {
  const [old, fresh, other] = [key('old'), key('new'), key('new')];
  const forget = () => runtime.redis.hdel(keyFingerprintsKey(runtime.namespace), 'new');
  await prove(old, fresh);
  await forget();
  await prove(old, other);
  await prove(other, old);
  await forget();
  await expect(prove(old, fresh)).rejects.toThrow('their key "new" is another one');
});

it('accepts only one of two processes that announce different keys under one id at the same time', async () => {
  const old = key('old');
  await prove(old);
  for (let n = 0; n < 20; n++) {
    const rings = [key(`new-${n}`), key(`new-${n}`)].map((fresh) => [old, fresh]);
    const results = await Promise.allSettled(rings.map((ring) => prove(...ring)));
    const letIn = results.flatMap(({ status }, i) => (status === 'fulfilled' ? [rings[i] ?? []] : []));
    expect(letIn.length).toBeLessThan(2);
    for (const ring of letIn) await prove(...ring);
  }
});

it('refuses another key under the id of one in use, at any position', async () => {
  const [old, other, fresh] = [key('old'), key('old'), key('new')];
  await prove(old, fresh);
  for (const ring of [[other], [other, fresh], [fresh, other]])
    await expect(prove(...ring)).rejects.toThrow('their key "old" is another one');
});

it('the announcement of a key opens nothing, and is deleted with its proof', async () => {
  const [old, fresh] = [key('old'), key('new')];
  await prove(old, fresh);
  const told = await runtime.redis.hgetall(keyFingerprintsKey(runtime.namespace));
  expect(Object.keys(told).toSorted()).toEqual(['new', 'old']);
  for (const { id, key: secret } of [old, fresh]) {
    const bytes = Buffer.from(told[id] ?? '', 'base64url');
    expect(bytes).toHaveLength(32);
    expect(bytes.equals(secret)).toBe(false);
    for (const purpose of ['seal', 'tickets'])
      expect(
        createKeyring([{ id, key: secret }])
          .derive(purpose)
          .some(({ key: derived }) => bytes.equals(derived)),
      ).toBe(false);
  }
  await forgetKeyProof(runtime.redis, runtime.namespace, 'old');
  expect(await announcedKeyIds(runtime.redis, runtime.namespace)).toEqual(['new']);
});

it('accepts only one of two first processes with different keys', async () => {
  const results = await Promise.allSettled([prove(key('a')), prove(key('b'))]);
  expect(results.filter(({ status }) => status === 'fulfilled').length).toBeLessThan(2);
});
