/**
 * How the due-set is divided into shards, and the form of its members. The shards' keys are in
 * keys.ts.
 */

import { fnv1a } from '@qrcast/core/fnv1a';
import type { PollTarget } from './poll-queue.ts';

/**
 * Each shard has a tick of its own. There are enough of them for several workers to share, and
 * few enough to cost little when nothing is due.
 */
export const SHARD_COUNT = 32;

/**
 * Member of a shard's sets: `session|instance key|tenant`. So the claim script sees the instance
 * and the tenant.
 */
export const pollMember = (target: PollTarget): string => `${target.sessionId}|${target.instanceKey}|${target.tenantId}`;

export function parsePollMember(member: string): PollTarget {
  const [sessionId = '', instanceKey = '', tenantId = ''] = member.split('|');
  return { sessionId, instanceKey, tenantId };
}

/** All sessions of one instance are in one shard, which can then space their polls. */
export const shardOf = (target: PollTarget): number => shardOfInstance(target.instanceKey);

export const shardOfInstance = (instanceKey: string): number => fnv1a(instanceKey) % SHARD_COUNT;
