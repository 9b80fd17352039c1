/** Writes sessions straight into Redis. */

import { createTickets } from '@qrcast/gateway/auth/tickets';
import { instanceKeyOf, sealCredentials } from '@qrcast/runtime/keyring/credentials-vault';
import { createKeyring } from '@qrcast/runtime/keyring/keyring';
import { type Node, openNode } from '@qrcast/runtime/node';
import type { PollTarget } from '@qrcast/runtime/polling/poll-queue';
import { pollMember, shardOf } from '@qrcast/runtime/polling/shards';
import { shardKeys, tenantInstanceKey } from '@qrcast/runtime/redis/keys';
import { inParallel } from './pace.ts';
import { INTERVAL_MS, LONG_MS, NAMESPACE, newSession, nodeOptions, type System, secretKeys } from './system.ts';

/** The instance of the session with the number 0. */
export const FIRST_INSTANCE = 1_101_000_000;

const AT_ONCE = 200;
/** Time to fill the queue and start the worker. Nothing is due before. */
const LEAD_MS_PER_SESSION = 0.4;
const LEAD_MS = 3_000;

export interface Seeded {
  /** When the first session is due, Unix ms. The last one is due an interval later. */
  readonly firstAt: number;
}

export interface Seed {
  readonly count: number;
  /** The number of the first session. Each session of a system has a number of its own. */
  readonly from: number;
  readonly upstream: string;
  readonly tenantId: string;
}

export function apiTokenOf(index: number): string {
  return `benchtoken${String(index).padStart(40, '0')}`;
}

/**
 * Makes waiting sessions whose instances are at `upstream`. Their polls are due evenly over one
 * interval. Resolves once all of them are in the queue.
 */
export async function seedSessions(system: System, seed: Seed): Promise<Seeded> {
  const node = await openNode(nodeOptions(system, 'seed'));
  try {
    const targets = await createSessions(node, system, seed);
    return { firstAt: await enqueue(node, targets) };
  } finally {
    await node.close();
  }
}

/** Makes sessions that nobody has watched, so none is polled. Resolves to a ticket for each. */
export async function seedUnwatched(system: System, { count, from, upstream, tenantId }: Seed): Promise<readonly string[]> {
  const node = await openNode(nodeOptions(system, 'seed'));
  try {
    const keyring = createKeyring(secretKeys(system));
    const tickets = createTickets({ redis: node.redis, namespace: NAMESPACE, keyring, clock: node.clock });
    const issued: string[] = [];
    await inParallel(count, AT_ONCE, async (place) => {
      const index = from + place;
      const secret = { apiUrl: upstream, apiToken: apiTokenOf(index) };
      const session = newSession(index, instanceKeyOf(String(FIRST_INSTANCE + index), secret), node.clock.now(), tenantId);
      await node.sessions.create(session, sealCredentials(keyring, session.id, secret));
      // Notifications are for the current session of their instance.
      await node.redis.set(tenantInstanceKey(NAMESPACE, tenantId, session.instanceId), session.id);
      const fields = { tenantId, sessionId: session.id, scopes: ['view'], origins: [], expiresAt: Date.now() + LONG_MS } as const;
      issued[place] = (await tickets.issue(fields)).ticket;
    });
    return issued;
  } finally {
    await node.close();
  }
}

async function createSessions(node: Node, system: System, { count, from, upstream, tenantId }: Seed): Promise<readonly PollTarget[]> {
  const keyring = createKeyring(secretKeys(system));
  const targets: PollTarget[] = [];
  await inParallel(count, AT_ONCE, async (place) => {
    const index = from + place;
    const now = node.clock.now();
    const secret = { apiUrl: upstream, apiToken: apiTokenOf(index) };
    const instanceKey = instanceKeyOf(String(FIRST_INSTANCE + index), secret);
    const session = newSession(index, instanceKey, now, tenantId);
    await node.sessions.create(session, sealCredentials(keyring, session.id, secret));
    await node.sessions.apply(session.id, { kind: 'watched', at: now }, { remembered: session });
    targets[place] = { sessionId: session.id, instanceKey, tenantId };
  });
  return targets;
}

/**
 * No worker polls an instance that is marked busy. So the marks keep the workers away until all
 * sessions are in the queue. They are removed afterwards: in a running system, only the instances
 * polled within the last second have one.
 */
async function enqueue(node: Node, targets: readonly PollTarget[]): Promise<number> {
  const firstAt = node.clock.now() + LEAD_MS + Math.round(targets.length * LEAD_MS_PER_SESSION);
  await inParallel(targets.length, AT_ONCE, async (index) => {
    const target = targets[index];
    if (target === undefined) return;
    const [due, , busy] = shardKeys(NAMESPACE, shardOf(target));
    const dueAt = firstAt + Math.round((index * INTERVAL_MS) / targets.length);
    await node.redis.zadd(busy, dueAt, target.instanceKey);
    await node.queue.ensure(target, firstAt + LONG_MS);
    await node.redis.zadd(due, 'XX', dueAt, pollMember(target));
  });
  await Promise.all(targets.map((target) => node.redis.zrem(shardKeys(NAMESPACE, shardOf(target))[2], target.instanceKey)));
  return firstAt;
}
