/**
 * Looks at what the outbox marks, and makes jobs of it. Callbacks move from the list of their
 * session or instance into the tenant's log before they leave the list, so a killed worker loses
 * nothing.
 */

import { type Callback, callbackSchema } from '@qrcast/core/callback';
import type { ConnectedInstances } from '../connected/connected.ts';
import { loginIn } from '../connected/connected-login.ts';
import { errorFields, type Logger } from '../log.ts';
import type { Mark } from '../outbox/marks.ts';
import type { ClaimedMark, OutboxClaims } from '../outbox/outbox-claims.ts';
import { checksKey, connectedCallbacksKey, type Namespace, sessionCallbacksKey, type WorkPart } from '../redis/keys.ts';
import { readOrNull } from '../redis/read-entry.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import { type CallbackJobs, checkWork, deliverWork, relayWork } from './callback-jobs.ts';
import type { CallbackLog } from './callback-log.ts';
import type { Receivers } from './callback-receivers.ts';
import type { Lane, RelayLanes } from './relay-lanes.ts';

export interface OutboxSweepDeps {
  /** A `commands` connection; not closed here. */
  readonly redis: RedisClient;
  readonly namespace: Namespace;
  readonly receivers: Receivers;
  readonly callbackLog: CallbackLog;
  readonly relayLanes: RelayLanes;
  readonly connected: Pick<ConnectedInstances, 'remember'>;
  readonly claims: Pick<OutboxClaims, 'claim' | 'settle'>;
  readonly jobs: Pick<CallbackJobs, 'add' | 'wake'>;
  readonly log: Logger;
}

const MARKS_AT_ONCE = 100;
/**
 * Marks under way. In a cluster some wait for a master that is out, and must not hold up those of
 * others.
 */
const MOST_UNDER_WAY = 500;
/**
 * A mark is set before the thing it marks is stored. After this time any request to Redis has
 * ended, so a second look sees whether it was stored.
 */
const LOOK_AGAIN_MS = 60_000;
/** A lane's job may have been ending while more came, or a try may be under way. */
const LOOK_AT_NEW_AGAIN_MS = 1_000;
/** Checks that wait have a mark of their own. They are missing only if Redis lost it. */
const LOOK_AT_CHECKS_AGAIN_MS = 600_000;

export interface OutboxSweep {
  /**
   * Begins to look at all marks of the part that are due, and at those that come due within
   * `aheadMs` when they are.
   */
  sweep(): Promise<void>;
  /**
   * Ends a sweep early and awaits the marks under way, but not the sweep. Marks that are not due yet
   * are left to other workers.
   */
  stop(): Promise<void>;
}

/** `aheadMs`: until the next sweep, so that work does not come later than its time. */
export function createOutboxSweep(deps: OutboxSweepDeps, part: WorkPart, aheadMs: number): OutboxSweep {
  const { claims, log } = deps;
  const look = createLook(deps);
  const early = new Map<ClaimedMark, NodeJS.Timeout>();
  const handling = new Set<Promise<void>>();
  let isStopping = false;

  async function handle(one: ClaimedMark): Promise<void> {
    try {
      await claims.settle(one, await look(one.mark, one.isNew));
    } catch (error) {
      log.warn(errorFields(error), 'a mark of the outbox could not be handled; it comes again when its lease ends');
    }
  }

  function begin(one: ClaimedMark): void {
    early.delete(one);
    const handled = handle(one).finally(() => handling.delete(handled));
    handling.add(handled);
  }

  /** If it fails, the lease of the mark ends. */
  const giveBack = (one: ClaimedMark): Promise<void> => claims.settle(one, one.dueInMs).catch(() => undefined);

  return {
    async sweep() {
      for (let isMore = true; isMore && !isStopping; ) {
        const claimed = await claims.claim(part, MARKS_AT_ONCE, aheadMs);
        const later = claimed.filter((one) => one.dueInMs > 0);
        if (isStopping) await Promise.all(later.map(giveBack));
        else for (const one of later) early.set(one, setTimeout(begin, one.dueInMs, one));
        claimed.filter((one) => one.dueInMs === 0).forEach(begin);
        while (handling.size >= MOST_UNDER_WAY) await Promise.race(handling);
        isMore = claimed.length === MARKS_AT_ONCE;
      }
    },

    async stop() {
      isStopping = true;
      for (const timer of early.values()) clearTimeout(timer);
      const left = [...early.keys()];
      early.clear();
      await Promise.all([...left.map(giveBack), ...handling]);
    },
  };
}

/**
 * Handles one mark. Resolves to when to look again, ms, or null for never. `isNew`: it is the first
 * look.
 */
function createLook(deps: OutboxSweepDeps): (mark: Mark, isNew: boolean) => Promise<number | null> {
  const { redis, namespace, relayLanes, jobs } = deps;

  async function lookAtList(key: string, isNew: boolean): Promise<number | null> {
    const isEmpty = await collect(deps, key, isNew);
    return isEmpty && !isNew ? null : LOOK_AGAIN_MS;
  }

  async function lookAtLane({ tenantId, instanceId }: Lane, isNew: boolean): Promise<number | null> {
    if (await relayLanes.isEmpty({ tenantId, instanceId })) return isNew ? LOOK_AGAIN_MS : null;
    await jobs.add(relayWork({ tenantId, instanceId }));
    return isNew ? LOOK_AT_NEW_AGAIN_MS : LOOK_AGAIN_MS;
  }

  /** A new mark means a new instance, or a change of the tenant's setting. */
  async function lookAtChecks(tenantId: string, isNew: boolean): Promise<number | null> {
    const isEmpty = (await redis.zcard(checksKey(namespace, tenantId))) === 0;
    if (isEmpty) return isNew ? LOOK_AGAIN_MS : null;
    if (!isNew) await jobs.add(checkWork(tenantId));
    else if (!(await jobs.wake(checkWork(tenantId)))) return LOOK_AT_NEW_AGAIN_MS;
    return LOOK_AT_CHECKS_AGAIN_MS;
  }

  return async (mark, isNew) => {
    switch (mark.kind) {
      case 'session':
        return lookAtList(sessionCallbacksKey(namespace, mark.sessionId), isNew);
      case 'instance':
        return lookAtList(connectedCallbacksKey(namespace, mark.tenantId, mark.instanceId), isNew);
      case 'relay':
        return lookAtLane(mark, isNew);
      case 'callback':
        return (await jobs.wake(deliverWork(mark.tenantId, mark.id))) ? null : LOOK_AT_NEW_AGAIN_MS;
      case 'checks':
        return lookAtChecks(mark.tenantId, isNew);
      case 'due': // the job removes the mark as it starts
        return (await jobs.wake(mark)) ? LOOK_AGAIN_MS : LOOK_AT_NEW_AGAIN_MS;
      default:
        return mark satisfies never;
    }
  };
}

/**
 * Moves callbacks from a list into their tenant's log, in order. Resolves to whether the list is
 * then empty. A callback that cannot be read stays in the list for a version that can, until the
 * list expires.
 */
async function collect(deps: OutboxSweepDeps, key: string, isNew: boolean): Promise<boolean> {
  const { redis, log } = deps;
  let unreadable = 0;
  for (const text of await redis.lrange(key, 0, -1)) {
    const callback = readOrNull(() => callbackSchema.parse(JSON.parse(text)));
    if (callback === null) unreadable += 1;
    else if (await accept(deps, callback)) await redis.lrem(key, 1, text);
    else return false;
  }
  if (unreadable > 0 && isNew)
    log.warn({ key, unreadable }, 'callbacks that cannot be read are skipped; another version may have written them');
  return (await redis.llen(key)) === 0;
}

/** Resolves to true if the callback may leave the list. */
async function accept(
  { redis, namespace, connected, receivers, callbackLog, jobs, log }: OutboxSweepDeps,
  callback: Callback,
): Promise<boolean> {
  const { tenantId, id } = callback;
  if (callback.type === 'session.connected') await connected.remember(await loginIn({ redis, namespace }, callback));
  const receiver = await receivers.find(tenantId);
  if (receiver === null || receiver.callbackUrl === null) return true;
  const kept = await callbackLog.add(callback);
  if (kept === 'pending') await jobs.add(deliverWork(tenantId, id));
  if (kept === 'full') log.warn({ tenantId }, 'a tenant has too many undelivered callbacks; more wait with their sessions for a day');
  return kept !== 'full';
}
