/**
 * By which a process sees at its start that it can read what the others sealed: for each key in use something sealed under it. Processes with
 * different keys would each look well, and leave each other's sessions unpolled; one without an older key would lose what that sealed.
 */

import type { Redis } from 'ioredis';
import { type Keyring, keyIdOf } from './keyring.ts';
import { keyProofsKey, type Namespace } from './keys.ts';

const PROOF = 'qrcast';

/**
 * To be called at the start; the current key is in use from then on.
 * @throws {Error} if the keyring cannot read what the others on this Redis seal.
 */
export async function proveKeyring(redis: Redis, namespace: Namespace, keyring: Keyring): Promise<void> {
  const key = keyProofsKey(namespace);
  const fresh = keyring.seal(PROOF, key);
  await openAll(redis, key, keyring);
  const isNew = (await redis.hsetnx(key, keyIdOf(fresh) ?? '', fresh)) === 1;
  try {
    await openAll(redis, key, keyring); // two first processes with different keys may both have come that far
  } catch (error) {
    if (isNew) await redis.hdel(key, keyIdOf(fresh) ?? '');
    throw error;
  }
}

/** Ids of the keys that processes have had first in their lists, as far as their proofs stand. */
export async function provenKeyIds(redis: Redis, namespace: Namespace): Promise<readonly string[]> {
  return redis.hkeys(keyProofsKey(namespace));
}

/** Nothing is sealed under the key any more: processes may start without it. */
export async function forgetKeyProof(redis: Redis, namespace: Namespace, keyId: string): Promise<void> {
  await redis.hdel(keyProofsKey(namespace), keyId);
}

async function openAll(redis: Redis, key: string, keyring: Keyring): Promise<void> {
  for (const [id, standing] of Object.entries(await redis.hgetall(key))) {
    try {
      keyring.open(standing, key);
    } catch (error) {
      throw new Error(keyring.keyIds.includes(id) ? otherKey(id) : missingKey(id), { cause: error });
    }
  }
}

const otherKey = (id: string): string =>
  `QRCAST_SECRET_KEYS differ from those of the other processes on this Redis: their key "${id}" is another one; give all the same, or this installation a QRCAST_NAMESPACE of its own`;

const missingKey = (id: string): string =>
  `QRCAST_SECRET_KEYS differ from those of the other processes on this Redis: they have a key "${id}", and secrets are sealed under it. Add it; if it is to go, run \`qrcast rotate-keys\` before it is dropped`;
