/** For tests: where the shared work of one session or tenant stands, on one Redis and in a cluster. */

import { decodeMark, keyNearMark } from '../src/outbox/marks.ts';
import { tenantSessionsKey, type WorkPart } from '../src/redis/keys.ts';
import { partOf, workParts } from '../src/redis/work-parts.ts';
import type { TestRuntime } from './runtime.ts';

type At = Pick<TestRuntime, 'redis' | 'namespace'>;

/** The outbox that has the mark, if it is set. */
export function outboxOf({ redis, namespace }: At, mark: string): string {
  const known = decodeMark(mark);
  if (known === null) throw new Error('not a mark of this version');
  return partOf(workParts(namespace, redis), keyNearMark(namespace, known)).outboxKey;
}

/** When it is due, Unix ms, or 0 if nobody has looked. Null: it is not set. */
export const scoreOfMark = (at: At, mark: string): Promise<string | null> => at.redis.zscore(outboxOf(at, mark), mark);

/** As if it had just been set, or its lease were over. */
export async function setMark(at: At, mark: string, score = 1): Promise<void> {
  await at.redis.zadd(outboxOf(at, mark), score, mark);
}

export const partOfTenant = ({ redis, namespace }: At, tenantId: string): WorkPart =>
  partOf(workParts(namespace, redis), tenantSessionsKey(namespace, tenantId));
