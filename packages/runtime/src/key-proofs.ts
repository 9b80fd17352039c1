/**
 * By which a process sees at its start that it can read what the others sealed: for each key in use something sealed under it. Processes with
 * different keys would each look well, and leave each other's sessions unpolled; one without an older key would lose what that sealed; and
 * one that is first to seal under a new key would be read by nobody, so a new key is announced at the end of the lists before.
 */

import type { Redis } from 'ioredis';
import { type Keyring, keyIdOf } from './keyring.ts';
import { announcedKeysKey, keyProofsKey, type Namespace } from './keys.ts';

const PROOF = 'qrcast';

/**
 * To be called at the start; the current key is in use from then on.
 * @throws {Error} if the keyring cannot read what the others on this Redis seal.
 */
export async function proveKeyring(redis: Redis, namespace: Namespace, keyring: Keyring): Promise<void> {
  const key = keyProofsKey(namespace);
  const fresh = keyring.seal(PROOF, key);
  const proven = await openAll(redis, key, keyring);
  const [current = '', ...others] = keyring.keyIds;
  if (proven.length > 0 && !proven.includes(current) && (await redis.sismember(announcedKeysKey(namespace), current)) === 0)
    throw new Error(unannouncedKey(current));
  if (others.length > 0) await redis.sadd(announcedKeysKey(namespace), ...others);
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
  await redis.srem(announcedKeysKey(namespace), keyId);
}

/** Resolves to the ids of all that stand. */
async function openAll(redis: Redis, key: string, keyring: Keyring): Promise<readonly string[]> {
  const proofs = Object.entries(await redis.hgetall(key));
  for (const [id, standing] of proofs) {
    try {
      keyring.open(standing, key);
    } catch (error) {
      throw new Error(keyring.keyIds.includes(id) ? otherKey(id) : missingKey(id), { cause: error });
    }
  }
  return proofs.map(([id]) => id);
}

const otherKey = (id: string): string =>
  `QRCAST_SECRET_KEYS differ from those of the other processes on this Redis: their key "${id}" is another one; give all the same, or this installation a QRCAST_NAMESPACE of its own`;

const missingKey = (id: string): string =>
  `QRCAST_SECRET_KEYS differ from those of the other processes on this Redis: they have a key "${id}", and secrets may be sealed under it. Add it; if it is to go, run \`qrcast rotate-keys\` before it is dropped`;

const unannouncedKey = (id: string): string =>
  `QRCAST_SECRET_KEYS: "${id}" is new and stands first, and the other processes on this Redis could not read what it seals. First add it at the end of the list everywhere and restart all; then move it to the front`;
