/** How the due-set is divided into shards, and how a session stands in them. Their keys are in keys.ts. */

import { fnv1a } from '@qrcast/core/fnv1a';
import type { PollTarget } from './poll-queue.ts';

/** Each shard is one self-redelaying job: enough for several workers to share, few enough to idle cheaply. */
export const SHARD_COUNT = 32;

/** Member of the shard's sets: `session|instance key|tenant`, so that a claim script sees whose instance and whose share it is. */
export const pollMember = (target: PollTarget): string => `${target.sessionId}|${target.instanceKey}|${target.tenantId}`;

export function parsePollMember(member: string): PollTarget {
  const [sessionId = '', instanceKey = '', tenantId = ''] = member.split('|');
  return { sessionId, instanceKey, tenantId };
}

/** All sessions of one instance fall into one shard, so that their polls can be spaced there. */
export const shardOf = (target: PollTarget): number => shardOfInstance(target.instanceKey);

export const shardOfInstance = (instanceKey: string): number => fnv1a(instanceKey) % SHARD_COUNT;
