/**
 * Shows a process at its start whether it can read what the others sealed. For each key in use,
 * Redis holds a value sealed under it, the proof.
 *
 * Without proofs, processes with different keys would each seem to work, but could not poll each
 * other's sessions. A process without an older key would lose what that key sealed. And nobody
 * could read what is sealed under a new key, so a new key is first announced at the end of all
 * lists. The announcement is the key's fingerprint, not only its id: otherwise two processes could
 * announce different keys under one id, and would differ once it moves to the front.
 */

import { keyFingerprintsKey, keyProofsKey, type Namespace } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import type { Keyring } from './keyring.ts';

const PROOF = 'qrcast';

/** Key id → fingerprint, made by HKDF. It distinguishes keys and reveals nothing about them. */
type Fingerprints = ReadonlyMap<string, string>;

/** Another process on this Redis has other keys. Its message says which, and what to do. */
export class KeyringError extends Error {
  override readonly name = 'KeyringError';
}

/**
 * Call it at the start. The current key is in use from then on.
 * @throws {KeyringError} if the keyring cannot read what the others on this Redis seal.
 */
export async function proveKeyring(redis: RedisClient, namespace: Namespace, keyring: Keyring): Promise<void> {
  const key = keyProofsKey(namespace);
  const own = fingerprintsOf(keyring);
  const [current = ''] = keyring.keyIds;
  const fresh = keyring.seal(PROOF, key);
  await checkKeyring(redis, namespace, keyring);
  const added = await announce(redis, namespace, own);
  const isNew = (await redis.hsetnx(key, current, fresh)) === 1;
  try {
    // Two processes with different keys may start first at the same time.
    await compareAll(redis, namespace, own);
    await openAll(redis, key, keyring);
  } catch (error) {
    if (isNew) await redis.hdel(key, current);
    if (added.length > 0) await redis.hdel(keyFingerprintsKey(namespace), ...added);
    throw error;
  }
}

/**
 * Changes nothing. Resolves to the ids of the keys that are in use.
 * @throws {KeyringError} as `proveKeyring`
 */
export async function checkKeyring(redis: RedisClient, namespace: Namespace, keyring: Keyring): Promise<readonly string[]> {
  const proven = await openAll(redis, keyProofsKey(namespace), keyring);
  const announced = await compareAll(redis, namespace, fingerprintsOf(keyring));
  const [current = ''] = keyring.keyIds;
  if (proven.length > 0 && !proven.includes(current) && !announced.includes(current)) throw new KeyringError(unannouncedKey(current));
  return proven;
}

/** Ids of the keys that processes have had first in their lists and that were not forgotten. */
export async function provenKeyIds(redis: RedisClient, namespace: Namespace): Promise<readonly string[]> {
  return redis.hkeys(keyProofsKey(namespace));
}

/** Ids of all keys that processes have had in their lists, first or not. */
export async function announcedKeyIds(redis: RedisClient, namespace: Namespace): Promise<readonly string[]> {
  return redis.hkeys(keyFingerprintsKey(namespace));
}

/** Forgets a key under which nothing is sealed any more, so that processes may start without it. */
export async function forgetKeyProof(redis: RedisClient, namespace: Namespace, keyId: string): Promise<void> {
  await redis.hdel(keyProofsKey(namespace), keyId);
  await redis.hdel(keyFingerprintsKey(namespace), keyId);
}

function fingerprintsOf(keyring: Keyring): Fingerprints {
  return new Map(keyring.derive('announcement').map(({ id, key }) => [id, Buffer.from(key).toString('base64url')]));
}

/** Announces our keys. Resolves to the ids that were not announced before. */
async function announce(redis: RedisClient, namespace: Namespace, own: Fingerprints): Promise<readonly string[]> {
  const tell = async ([id, fingerprint]: [string, string]): Promise<readonly string[]> =>
    (await redis.hsetnx(keyFingerprintsKey(namespace), id, fingerprint)) === 1 ? [id] : [];
  return (await Promise.all([...own].map(tell))).flat();
}

/**
 * Resolves to the ids of all announced keys. @throws {KeyringError} if one of our ids stands for another
 * key.
 */
async function compareAll(redis: RedisClient, namespace: Namespace, own: Fingerprints): Promise<readonly string[]> {
  const standing = new Map(Object.entries(await redis.hgetall(keyFingerprintsKey(namespace))));
  for (const [id, fingerprint] of own) if ((standing.get(id) ?? fingerprint) !== fingerprint) throw new KeyringError(otherKey(id));
  return [...standing.keys()];
}

/** Resolves to the ids of all proofs. @throws {KeyringError} if our keys do not open one of them. */
async function openAll(redis: RedisClient, key: string, keyring: Keyring): Promise<readonly string[]> {
  const proofs = Object.entries(await redis.hgetall(key));
  for (const [id, standing] of proofs) {
    try {
      keyring.open(standing, key);
    } catch (error) {
      throw new KeyringError(keyring.keyIds.includes(id) ? otherKey(id) : missingKey(id), { cause: error });
    }
  }
  return proofs.map(([id]) => id);
}

const otherKey = (id: string): string =>
  `QRCAST_SECRET_KEYS differ from those of the other processes on this Redis: their key "${id}" is another one; give all the same, and a new key an id of its own, or this installation a QRCAST_NAMESPACE of its own`;

const missingKey = (id: string): string =>
  `QRCAST_SECRET_KEYS differ from those of the other processes on this Redis: they have a key "${id}", and secrets may be sealed under it. Add it; if it is to go, run \`qrcast rotate-keys\` before it is dropped`;

const unannouncedKey = (id: string): string =>
  `QRCAST_SECRET_KEYS: "${id}" is new and stands first, and the other processes on this Redis could not read what it seals. First add it at the end of the list everywhere and restart all; then move it to the front`;
