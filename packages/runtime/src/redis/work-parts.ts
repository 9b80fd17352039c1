/**
 * The work that all workers share: the ticks and jobs of the polls, the outbox, and the jobs of
 * callbacks. One Redis has it whole. In a cluster it stands in parts, each in a slot of its own. So
 * the masters share the load, and one that fails holds up only its own part.
 *
 *   a key, as that of a session  →  its slot  →  the part whose range of slots has it
 *
 * A cluster gives each master a range of slots by default. Then a part, and nearly all keys of its
 * range, are at one master.
 */

import { slotOf } from './cluster-client.ts';
import { type Namespace, type WorkPart, wholeWork, workPart } from './keys.ts';
import { isCluster, type RedisClient } from './redis-client.ts';

/** Each stands near the middle of its range. So many divide well among 2, 3 and 6 masters. */
const TAGS = ['work:132', 'work:150', 'work:160', 'work:130', 'work:100', 'work:197'];
const SLOTS = 16_384;

/** The parts in the order of their ranges. */
export const workParts = (ns: Namespace, redis: RedisClient): readonly [WorkPart, ...WorkPart[]] =>
  isCluster(redis) ? clusterParts(ns) : [wholeWork(ns)];

export const clusterParts = (ns: Namespace) => TAGS.map((tag) => workPart(ns, tag)) as [WorkPart, ...WorkPart[]]; // TAGS is not empty

/** @param parts one of something for each part, in their order */
export function partOf<T>(parts: readonly [T, ...T[]], key: string): T {
  return parts.length === 1 ? parts[0] : (parts[Math.floor((slotOf(key) * parts.length) / SLOTS)] ?? parts[0]);
}
