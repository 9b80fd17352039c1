/**
 * Everything sealed, by the key that sealed it, and its move to the current key, after which the others can be dropped. Safe beside running
 * processes: a record is compared and set, never locked, and what a process seals meanwhile under its own current key is found by the next
 * pass. Sealed are the credentials of sessions and of connected instances that are checked, and the callback secrets of tenants; tickets are
 * only signed, and expire by themselves.
 */

import type { Redis } from 'ioredis';
import { loadFieldReplace } from '../redis/field-replace.ts';
import {
  connectedInstanceKeyPattern,
  type Namespace,
  parseConnectedInstanceKey,
  parseSessionKey,
  sessionKeyPattern,
  tenantsKey,
} from '../redis/keys.ts';
import { tenantContext, tenantRecordSchema } from '../tenants/tenant-record.ts';
import { connectedContext } from './credentials-vault.ts';
import { announcedKeyIds, forgetKeyProof, proveKeyring, provenKeyIds } from './key-proofs.ts';
import { type Keyring, keyIdOf } from './keyring.ts';

export interface SealedCounts {
  /** Key id → secrets under it; the current key stands in it, also with none. */
  readonly byKey: ReadonlyMap<string, number>;
  /** Of those, how many no key of the ring opens. */
  readonly unreadable: number;
}

export interface KeyRotation {
  count(): Promise<SealedCounts>;
  /**
   * Seals anew what other keys than the current one sealed. `moved` secrets were; what `byKey` still tells of others could not be read, or
   * was sealed meanwhile. Only a run that moves nothing lets processes start without the keys that nothing is sealed under: who sealed what
   * is moved may be at work still. @throws {Error} if no process uses the current key yet: it would not be able to read what is moved.
   */
  rotate(): Promise<SealedCounts & { readonly moved: number }>;
}

export interface KeyRotationDeps {
  readonly redis: Redis;
  readonly namespace: Namespace;
  readonly keyring: Keyring;
}

/** A field of a hash that holds sealed secrets. */
interface SealedField {
  readonly key: string;
  readonly field: string;
  readonly text: string;
  readonly context: string;
  readonly secrets: readonly string[];
}

const BATCH = 500;
/** A pass more than records can be changed under our hands; who seals under an old key all the time is told of, not waited for. */
const MAX_PASSES = 5;

const secretsSchema = tenantRecordSchema.pick({ sealedCallbackSecret: true, previousCallbackSecret: true });

export function createKeyRotation({ redis, namespace, keyring }: KeyRotationDeps): KeyRotation {
  const replace = loadFieldReplace(redis);

  async function* sealedFields(): AsyncGenerator<SealedField> {
    for (const [id, text] of Object.entries(await redis.hgetall(tenantsKey(namespace)))) {
      const { sealedCallbackSecret, previousCallbackSecret } = secretsSchema.parse(JSON.parse(text));
      const secrets = [sealedCallbackSecret, ...(previousCallbackSecret === null ? [] : [previousCallbackSecret.sealed])];
      yield { key: tenantsKey(namespace), field: id, text, context: tenantContext(id), secrets };
    }
    yield* sealedHashes(sessionKeyPattern(namespace), (key) => parseSessionKey(namespace, key));
    yield* sealedHashes(connectedInstanceKeyPattern(namespace), (key) => {
      const instance = parseConnectedInstanceKey(namespace, key);
      return instance === null ? null : connectedContext(instance);
    });
  }

  /** `contextOf`: what the credentials in the hash are bound to; null if it is another kind of key. */
  async function* sealedHashes(match: string, contextOf: (key: string) => string | null): AsyncGenerator<SealedField> {
    for await (const found of redis.scanStream({ match, count: BATCH, type: 'hash' })) {
      const keys = found as readonly string[]; // what a scan stream yields
      const texts = await Promise.all(keys.map((key) => redis.hget(key, 'sealed')));
      yield* keys.flatMap((key, i) => {
        const [text, context] = [texts[i], contextOf(key)];
        return text == null || context === null ? [] : [{ key, field: 'sealed', text, context, secrets: [text] }];
      });
    }
  }

  const isCurrent = (sealed: string): boolean => keyIdOf(sealed) === keyring.keyIds[0];

  function opened(sealed: string, context: string): string | null {
    try {
      return keyring.open(sealed, context);
    } catch {
      return null; // a key we have not, or a damaged record: it is counted
    }
  }

  /** How many secrets of the field are under the current key now that were not. */
  async function move({ key, field, text, context, secrets }: SealedField): Promise<number> {
    let next = text;
    let count = 0;
    for (const sealed of secrets) {
      const secret = isCurrent(sealed) ? null : opened(sealed, context);
      if (secret === null) continue;
      next = next.replace(sealed, keyring.seal(secret, context));
      count += 1;
    }
    if (count === 0) return 0;
    return (await replace(key, field, text, next)) ? count : 0;
  }

  async function moveAll(): Promise<number> {
    let moved = 0;
    for await (const field of sealedFields()) moved += await move(field);
    return moved;
  }

  async function count(): Promise<SealedCounts> {
    const byKey = new Map<string, number>([[keyring.keyIds[0] ?? '', 0]]);
    const seen = new Set<string>(); // a scan may tell a key twice
    let unreadable = 0;
    for await (const { context, secrets } of sealedFields()) {
      for (const sealed of secrets) {
        if (seen.has(sealed)) continue;
        seen.add(sealed);
        const id = keyIdOf(sealed) ?? '?';
        byKey.set(id, (byKey.get(id) ?? 0) + 1);
        if (opened(sealed, context) === null) unreadable += 1;
      }
    }
    return { byKey, unreadable };
  }

  return {
    count,

    async rotate() {
      const [current = ''] = keyring.keyIds;
      if (!(await provenKeyIds(redis, namespace)).includes(current)) {
        throw new Error(
          `no process on this Redis was started with the key "${current}" first in its QRCAST_SECRET_KEYS; restart all of them so, and run this again`,
        );
      }
      await proveKeyring(redis, namespace, keyring);
      let moved = 0;
      for (let pass = 0; pass < MAX_PASSES; pass++) {
        const now = await moveAll();
        if (now === 0) break;
        moved += now;
      }
      const counts = await count();
      if (moved > 0) return { ...counts, moved };
      // Those that are announced and yet to come are in the ring; what is not, was given up before it was used.
      const givenUp = (await announcedKeyIds(redis, namespace)).filter((id) => !keyring.keyIds.includes(id));
      const used = [...(await provenKeyIds(redis, namespace)), ...givenUp];
      const needless = used.filter((id) => id !== current && (counts.byKey.get(id) ?? 0) === 0);
      for (const id of needless) await forgetKeyProof(redis, namespace, id);
      return { ...counts, moved };
    },
  };
}
