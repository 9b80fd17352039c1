/** Every Redis key, channel and queue name, built here and nowhere else. One hash tag per key group, so that a script touches one slot. */

import type { PollTarget } from './poll-queue.ts';

/** Separates installations, and tests, that share one Redis. */
export type Namespace = string;

export const DEFAULT_NAMESPACE: Namespace = 'qrcast';

/** Shards of the due-set. Each is one self-redelaying job; enough for several workers to share, few enough to idle cheaply. */
export const SHARD_COUNT = 32;

export const sessionKey = (ns: Namespace, sessionId: string): string => `${ns}:{${sessionId}}`;
export const sessionChannel = (ns: Namespace, sessionId: string): string => `${ns}:{${sessionId}}:state`;
export const viewersKey = (ns: Namespace, sessionId: string): string => `${ns}:{${sessionId}}:viewers`;
export const probeChannel = (ns: Namespace, nodeId: string): string => `${ns}:probe:${nodeId}`;

export const tenantSessionsKey = (ns: Namespace, tenantId: string): string => `${ns}:{tenant:${tenantId}}:sessions`;
export const tenantInstanceKey = (ns: Namespace, tenantId: string, instanceId: string): string =>
  `${ns}:{tenant:${tenantId}}:instance:${instanceId}`;
export const tenantsKey = (ns: Namespace): string => `${ns}:tenants`;
/** Ids that were somebody's: never anybody else's. */
export const formerTenantsKey = (ns: Namespace): string => `${ns}:tenants:former`;
/** Something sealed, by which a process sees at its start that it has the others' keys. */
export const keyProofKey = (ns: Namespace): string => `${ns}:key-proof`;
export const apiKeyKey = (ns: Namespace, keyHash: string): string => `${ns}:key:${keyHash}`;
export const revokedTicketKey = (ns: Namespace, tenantId: string, ticketId: string): string => `${ns}:revoked:${tenantId}:${ticketId}`;
export const passwordTurnKey = (ns: Namespace, instanceKey: string): string => `${ns}:password:${instanceKey}`;
export const revocationsChannel = (ns: Namespace): string => `${ns}:revocations`;

/** The due-set of a shard (`due`), who is watched until when (`watch`), which instances must not be asked yet (`busy`), early wishes (`poked`). */
export const shardKeys = (ns: Namespace, shard: number): [due: string, watch: string, busy: string, poked: string] => {
  const tag = `${ns}:{shard:${shard}}`;
  return [`${tag}:due`, `${tag}:watch`, `${tag}:busy`, `${tag}:poked`];
};

/** BullMQ keeps its keys under `<prefix>:<queue>:`. */
export const queuePrefix = (ns: Namespace): string => `{${ns}}`;
export const POLL_QUEUE_NAME = 'polls';

/** Member of the shard's sets: the session, and the instance key after `|`. */
export const pollMember = (target: PollTarget): string => `${target.sessionId}|${target.instanceKey}`;

export function parsePollMember(member: string): PollTarget {
  const bar = member.indexOf('|');
  return { sessionId: member.slice(0, bar), instanceKey: member.slice(bar + 1) };
}

/** All sessions of one instance fall into one shard, so that their polls can be spaced there. FNV-1a. */
export function shardOf(target: PollTarget): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < target.instanceKey.length; i++) hash = Math.imul(hash ^ target.instanceKey.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % SHARD_COUNT;
}
