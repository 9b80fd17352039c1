/**
 * Where the newest sessions of a tenant, or of all, stand. Each tenant has a list of its own, so those
 * of all are merged: first a little of each list, then more of the few that have too little.
 */

import { fairShareOf, isShareShort, mustReadOn, type NewestPart, newestFirst, newestOf, type Place } from '@qrcast/core/newest';
import { tenantSessionsKey, tenantsKey } from '@qrcast/runtime/redis/keys';
import type { RedisClient } from '@qrcast/runtime/redis/redis-client';

/** Where a page begins: behind this session. */
export type After = Pick<Place, 'id' | 'createdAt'> | null;

/**
 * The newest `count` sessions behind `after`, newest first. `tenantId`: null for those of all tenants.
 * An entry may be of a session whose record is gone.
 */
export type NewestSessions = (tenantId: string | null, after: After, count: number) => Promise<NewestPart>;

/**
 * At most `count` sessions of a tenant, or a fair share of all tenants (null): the newest of each, then
 * the second of each, and so on. An entry may be of a session whose record is gone.
 */
export type FairSessions = (tenantId: string | null, count: number) => Promise<NewestPart>;

export interface NewestSessionsDeps {
  readonly redis: RedisClient;
  readonly namespace: string;
}

/** Lists that are read at the same time. Their commands go out together. */
const LISTS_AT_ONCE = 100;
/** Read of each list at first. At most ten lists can have as many among the newest 200, and at most 19 share 400 places. */
const A_LITTLE = 20;

export function createNewestSessions(deps: NewestSessionsDeps): NewestSessions {
  return async (tenantId, after, count) => {
    if (tenantId !== null) return readPart(deps, tenantId, after, count);
    const tenantIds = await allTenants(deps);
    const first = await readParts(deps, tenantIds, after, Math.min(A_LITTLE, count));
    const merged = newestOf(first, count);
    const isShort = first.map((part) => mustReadOn(part, merged, count));
    return newestOf(await readOn(deps, { tenantIds, first, isShort, after, count }), count);
  };
}

export function createFairSessions(deps: NewestSessionsDeps): FairSessions {
  return async (tenantId, count) => {
    if (tenantId !== null) return readPart(deps, tenantId, null, count);
    const tenantIds = await allTenants(deps);
    const first = await readParts(deps, tenantIds, null, Math.min(A_LITTLE, count));
    if (!isShareShort(first, count)) return fairShareOf(first, count);
    const isShort = first.map(({ isWhole }) => !isWhole);
    return fairShareOf(await readOn(deps, { tenantIds, first, isShort, after: null, count }), count);
  };
}

const allTenants = ({ redis, namespace }: NewestSessionsDeps): Promise<string[]> => redis.hkeys(tenantsKey(namespace));

interface FirstLook {
  readonly tenantIds: readonly string[];
  /** Of each tenant. */
  readonly first: readonly NewestPart[];
  readonly isShort: readonly boolean[];
  readonly after: After;
  readonly count: number;
}

/** Reads the lists that are short again, and further. */
async function readOn(deps: NewestSessionsDeps, { tenantIds, first, isShort, after, count }: FirstLook): Promise<readonly NewestPart[]> {
  const wanted = tenantIds.filter((_, i) => isShort[i]);
  return [...first.filter((_, i) => isShort[i] !== true), ...(await readParts(deps, wanted, after, count))];
}

async function readParts(deps: NewestSessionsDeps, tenantIds: readonly string[], after: After, count: number): Promise<NewestPart[]> {
  const parts: NewestPart[] = [];
  for (let i = 0; i < tenantIds.length; i += LISTS_AT_ONCE) {
    parts.push(...(await Promise.all(tenantIds.slice(i, i + LISTS_AT_ONCE).map((one) => readPart(deps, one, after, count)))));
  }
  return parts;
}

/** The newest `count` of a tenant's sessions behind `after`. */
async function readPart({ redis, namespace }: NewestSessionsDeps, tenantId: string, after: After, count: number): Promise<NewestPart> {
  const key = tenantSessionsKey(namespace, tenantId);
  const from = after === null ? '+inf' : after.createdAt;
  const places: Place[] = [];
  for (let offset = 0; places.length <= count; ) {
    const limit = count + 1 - places.length; // one more tells whether there are others
    const found = await redis.zrevrangebyscore(key, from, '-inf', 'WITHSCORES', 'LIMIT', offset, limit);
    const read = placesIn(tenantId, found);
    // Those of the same moment come again, before the one that the page begins behind.
    places.push(...read.filter((place) => after === null || newestFirst(after, place) < 0));
    if (read.length < limit) return { places, isWhole: true };
    offset += limit;
  }
  return { places: places.slice(0, count), isWhole: false };
}

/** `found`: id, time, and so on. */
function placesIn(tenantId: string, found: readonly string[]): Place[] {
  const places: Place[] = [];
  for (let i = 0; i < found.length; i += 2) places.push({ tenantId, id: found[i] ?? '', createdAt: Number(found[i + 1]) });
  return places;
}
