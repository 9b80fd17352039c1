/**
 * Counts sealed secrets by key, and seals them anew under the current key. Then the other keys can
 * be removed. It is safe beside running processes. A record is compared and set, never locked. What
 * a process seals meanwhile under its own current key is found by the next pass.
 */

import { type FieldReplace, loadFieldReplace } from '../redis/field-replace.ts';
import type { Namespace } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import { announcedKeyIds, forgetKeyProof, proveKeyring, provenKeyIds } from './key-proofs.ts';
import { type Keyring, keyIdOf } from './keyring.ts';
import { findSealedFields, type SealedField } from './sealed-fields.ts';

export interface SealedCounts {
  /** Key id → number of secrets under it. The current key is always in it. */
  readonly byKey: ReadonlyMap<string, number>;
  /** How many of the secrets no key of the ring opens. */
  readonly unreadable: number;
  /** Tenants whose records cannot be read: any key may seal their secrets. */
  readonly unreadableTenants: readonly string[];
}

export interface KeyRotation {
  count(): Promise<SealedCounts>;
  /**
   * Seals secrets of other keys anew under the current key. `moved`: how many. Secrets that `byKey`
   * still counts under other keys could not be read, or were sealed meanwhile.
   *
   * Old keys are released only by a run that moves nothing: until then some process may still be
   * sealing with them. After it, processes may start without the keys under which nothing is
   * sealed. Nor are they released while a tenant's record cannot be read.
   *
   * @throws {Error} if no process uses the current key yet: none could read what is moved.
   */
  rotate(): Promise<SealedCounts & { readonly moved: number }>;
}

export interface KeyRotationDeps {
  readonly redis: RedisClient;
  readonly namespace: Namespace;
  readonly keyring: Keyring;
}

/**
 * Enough for records that other processes change under our hands. A process that keeps sealing
 * under an old key is reported, not waited for.
 */
const MAX_PASSES = 5;

export function createKeyRotation(deps: KeyRotationDeps): KeyRotation {
  const { redis, namespace, keyring } = deps;
  const replace = loadFieldReplace(redis);
  return {
    count: () => countSealed(deps),

    async rotate() {
      const [current = ''] = keyring.keyIds;
      if (!(await provenKeyIds(redis, namespace)).includes(current)) throw new Error(unusedKey(current));
      await proveKeyring(redis, namespace, keyring);
      const moved = await moveInPasses(deps, replace);
      const counts = await countSealed(deps);
      if (moved === 0 && counts.unreadableTenants.length === 0) await forgetUnusedKeys(deps, counts);
      return { ...counts, moved };
    },
  };
}

async function countSealed({ redis, namespace, keyring }: KeyRotationDeps): Promise<SealedCounts> {
  const byKey = new Map<string, number>([[keyring.keyIds[0] ?? '', 0]]);
  const seen = new Set<string>();
  const unreadableTenants: string[] = [];
  let unreadable = 0;
  for await (const { field, context, secrets } of findSealedFields(redis, namespace)) {
    if (secrets === null) unreadableTenants.push(field);
    for (const sealed of secrets ?? []) {
      if (seen.has(sealed)) continue;
      seen.add(sealed);
      const id = keyIdOf(sealed) ?? '?';
      byKey.set(id, (byKey.get(id) ?? 0) + 1);
      if (openOrNull(keyring, sealed, context) === null) unreadable += 1;
    }
  }
  return { byKey, unreadable, unreadableTenants };
}

/** Repeats passes until one moves nothing. Resolves to how many secrets were moved. */
async function moveInPasses({ redis, namespace, keyring }: KeyRotationDeps, replace: FieldReplace): Promise<number> {
  let moved = 0;
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const before = moved;
    for await (const field of findSealedFields(redis, namespace)) moved += await moveField(keyring, replace, field);
    if (moved === before) break;
  }
  return moved;
}

/** Resolves to how many secrets of the field it put under the current key. */
async function moveField(keyring: Keyring, replace: FieldReplace, { key, field, text, context, secrets }: SealedField): Promise<number> {
  let next = text;
  let count = 0;
  for (const sealed of secrets ?? []) {
    const isCurrent = keyIdOf(sealed) === keyring.keyIds[0];
    const secret = isCurrent ? null : openOrNull(keyring, sealed, context);
    if (secret === null) continue;
    next = next.replace(sealed, keyring.seal(secret, context));
    count += 1;
  }
  if (count === 0) return 0;
  return (await replace(key, field, text, next)) ? count : 0;
}

function openOrNull(keyring: Keyring, sealed: string, context: string): string | null {
  try {
    return keyring.open(sealed, context);
  } catch {
    return null; // its key is missing, or the record is damaged
  }
}

/** Lets processes start without the keys under which nothing is sealed. */
async function forgetUnusedKeys({ redis, namespace, keyring }: KeyRotationDeps, { byKey }: SealedCounts): Promise<void> {
  const [current = ''] = keyring.keyIds;
  // An announced key of our ring may still come into use. One that is not in the ring was given up
  // before it was used.
  const givenUp = (await announcedKeyIds(redis, namespace)).filter((id) => !keyring.keyIds.includes(id));
  const candidates = [...(await provenKeyIds(redis, namespace)), ...givenUp];
  const unused = candidates.filter((id) => id !== current && (byKey.get(id) ?? 0) === 0);
  for (const id of unused) await forgetKeyProof(redis, namespace, id);
}

const unusedKey = (id: string): string =>
  `no process on this Redis was started with the key "${id}" first in its QRCAST_SECRET_KEYS; restart all of them so, and run this again`;
