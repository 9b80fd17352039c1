/**
 * Gets every callback and every relayed notification to a sender: one BullMQ job per callback, one per lane of notifications, so that a
 * lane has one under way, and one per tenant whose connected instances are checked. The outbox is swept for what has to become a job; jobs
 * hold ids alone.
 *
 * Nothing is lost to a kill: what is to be told stands in the session's own list (written with the change), then in the log, before it
 * leaves the list; a job that was lost is put back when its mark is looked at again, or by the queue when its worker died.
 */

import { type Callback, callbackSchema } from '@qrcast/core/callback';
import { DelayedError, type Job, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { ConnectedInstances } from '../connected/connected-instances.ts';
import { loginIn } from '../connected/connected-login.ts';
import { errorFields, type Logger } from '../log.ts';
import { createOutbox, type Mark } from '../outbox/outbox.ts';
import { CALLBACK_QUEUE_NAME, checksKey, connectedCallbacksKey, type Namespace, queuePrefix, sessionCallbacksKey } from '../redis/keys.ts';
import { openQueueWorker, startedOrStopped } from '../redis/queue-worker.ts';
import type { CallbackLog } from './callback-log.ts';
import type { Receivers } from './callback-receivers.ts';
import type { Lane, RelayLanes } from './relay-lanes.ts';

export interface CallbackHandlers {
  /** Tries one callback. Resolves to after how many ms it is due again, null if it is settled. */
  readonly deliver: (tenantId: string, id: string) => Promise<number | null>;
  /** Tries what waits in a lane, from the first on. Likewise; null if it is empty. */
  readonly relay: (lane: Lane) => Promise<number | null>;
  /** Checks what is due of a tenant's connected instances. Likewise; null if none is left to check. */
  readonly check: (tenantId: string) => Promise<number | null>;
}

export interface CallbackQueueDeps {
  /** A `commands` connection; not closed here. */
  readonly redis: Redis;
  readonly redisUrl: string;
  readonly namespace: Namespace;
  readonly receivers: Receivers;
  readonly callbackLog: CallbackLog;
  readonly relayLanes: RelayLanes;
  readonly connected: Pick<ConnectedInstances, 'remember'>;
  readonly log: Logger;
}

/** How late a callback may start for waiting to be seen. */
const SWEEP_EVERY_MS = 200;
const MARKS_AT_ONCE = 100;
/** A mark is set before what it is for: looked at once more when a request to Redis has long ended one way or the other. */
const LOOK_AGAIN_MS = 60_000;
/** A lane's job may have been ending just as more came; a try is under way as another is asked for. */
const LOOK_AT_NEWS_AGAIN_MS = 1_000;
/** A job of checks comes again by itself; so it is only missed if Redis lost it. */
const LOOK_AT_CHECKS_AGAIN_MS = 600_000;
/** Most jobs wait for a receiver; how many of one tenant's is the sender's to say. */
const WORKER = { jobsAtOnce: 500, lockMs: 10_000, stalledCheckMs: 5_000 } as const;
/** A handler that failed, as when Redis is out: doubled with each fault after another, up to the longest. */
const AFTER_FAULT_MS = 5_000;
const AFTER_FAULT_MAX_MS = 600_000;

type Work = { readonly tenantId: string; readonly id: string } | Lane | { readonly tenantId: string; readonly isCheck: true };
type JobName = 'deliver' | 'relay' | 'check';
/** `faults`: how often the handler failed since it last did not. */
type JobData = Work & { readonly faults?: number };

/** Resolves to the function that stops it and awaits what is under way, at most `graceMs`. */
export async function consumeCallbacks(deps: CallbackQueueDeps, handlers: CallbackHandlers): Promise<(graceMs: number) => Promise<void>> {
  const { redis, namespace, receivers, callbackLog, relayLanes, connected, log } = deps;
  const outbox = createOutbox(deps);
  const queue = new Queue<JobData>(CALLBACK_QUEUE_NAME, { connection: redis, prefix: queuePrefix(namespace) });
  queue.on('error', () => undefined); // the connection reports itself
  let isStopping = false;

  /** A job that there is already stays as it is. */
  async function addJob(name: JobName, jobId: string, data: Work): Promise<void> {
    await queue.add(name, data, { jobId, removeOnComplete: true, removeOnFail: true });
  }

  /** True if the callback needs the list it stands in no more. */
  async function accept(callback: Callback): Promise<boolean> {
    const { tenantId, id } = callback;
    if (callback.type === 'session.connected') await connected.remember(await loginIn({ redis, namespace }, callback));
    const receiver = await receivers.find(tenantId);
    if (receiver === null || receiver.callbackUrl === null) return true;
    const kept = await callbackLog.add(callback);
    if (kept === 'pending') await addJob('deliver', id, { tenantId, id });
    if (kept === 'full') log.warn({ tenantId }, 'a tenant has too many undelivered callbacks; more wait with their sessions, for a day');
    return kept !== 'full';
  }

  /** Resolves to whether the list is empty then. What cannot be read stays for another version that may know it, and goes with the list. */
  async function collect(key: string, isNew: boolean): Promise<boolean> {
    let unreadable = 0;
    for (const text of await redis.lrange(key, 0, -1)) {
      const callback = parseCallback(text);
      if (callback === null) unreadable += 1;
      else if (await accept(callback)) await redis.lrem(key, 1, text);
      else return false;
    }
    if (unreadable > 0 && isNew)
      log.warn({ key, unreadable }, 'callbacks that cannot be read are skipped; were they written by another version?');
    return (await redis.llen(key)) === 0;
  }

  /** At once, though it may be due later. False while it is at work, which must end first. */
  async function wake(name: JobName, jobId: string, data: Work): Promise<boolean> {
    const job = await queue.getJob(jobId);
    if (job === undefined) await addJob(name, jobId, data);
    else if (await job.isDelayed()) await job.promote();
    else return !(await job.isActive());
    return true;
  }

  /** Resolves to when to look again, ms. */
  async function look(mark: Mark, isNew: boolean): Promise<number | null> {
    switch (mark.kind) {
      case 'session':
        return (await collect(sessionCallbacksKey(namespace, mark.sessionId), isNew)) && !isNew ? null : LOOK_AGAIN_MS;
      case 'instance':
        return (await collect(connectedCallbacksKey(namespace, mark.tenantId, mark.instanceId), isNew)) && !isNew ? null : LOOK_AGAIN_MS;
      case 'relay': {
        const isEmpty = await relayLanes.isEmpty(mark);
        const { tenantId, instanceId } = mark;
        if (!isEmpty) await addJob('relay', `relay-${tenantId}-${instanceId}`, { tenantId, instanceId });
        if (isEmpty) return isNew ? LOOK_AGAIN_MS : null;
        return isNew ? LOOK_AT_NEWS_AGAIN_MS : LOOK_AGAIN_MS;
      }
      case 'callback':
        return (await wake('deliver', mark.id, { tenantId: mark.tenantId, id: mark.id })) ? null : LOOK_AT_NEWS_AGAIN_MS;
      case 'checks':
        return lookAtChecks(mark.tenantId, isNew);
      default:
        return mark satisfies never;
    }
  }

  /** News are a new instance, or another setting of the tenant. */
  async function lookAtChecks(tenantId: string, isNew: boolean): Promise<number | null> {
    const isEmpty = (await redis.zcard(checksKey(namespace, tenantId))) === 0;
    if (isEmpty) return isNew ? LOOK_AGAIN_MS : null;
    const [jobId, data] = [`checks-${tenantId}`, { tenantId, isCheck: true }] as const;
    if (!isNew) await addJob('check', jobId, data);
    else if (!(await wake('check', jobId, data))) return LOOK_AT_NEWS_AGAIN_MS;
    return LOOK_AT_CHECKS_AGAIN_MS;
  }

  async function sweep(): Promise<void> {
    for (let isMore = true; isMore && !isStopping; ) {
      const claimed = await outbox.claim(MARKS_AT_ONCE);
      await Promise.all(
        claimed.map(async (one) => {
          try {
            await outbox.settle(one, await look(one.mark, one.isNew));
          } catch (error) {
            log.warn(errorFields(error), 'a mark of the outbox could not be looked at; it comes again'); // when its lease ends
          }
        }),
      );
      isMore = claimed.length === MARKS_AT_ONCE;
    }
  }

  async function process(job: Job<JobData>, token: string | undefined): Promise<void> {
    const { faults: faultsBefore = 0, ...work } = job.data;
    let faults = 0;
    const dueInMs = await run(work).catch((error: unknown) => {
      faults = faultsBefore + 1;
      log.warn({ ...work, faults, ...errorFields(error) }, 'a callback could not be worked on; it is tried again');
      return Math.min(AFTER_FAULT_MS * 2 ** faultsBefore, AFTER_FAULT_MAX_MS);
    });
    if (dueInMs === null) return;
    if (faults !== faultsBefore) await job.updateData({ ...work, faults });
    await job.moveToDelayed(Date.now() + dueInMs, token);
    throw new DelayedError();
  }

  function run(work: Work): Promise<number | null> {
    if ('isCheck' in work) return handlers.check(work.tenantId);
    return 'id' in work ? handlers.deliver(work.tenantId, work.id) : handlers.relay(work);
  }

  let sweeping: Promise<void> | null = null;
  const timer = setInterval(() => {
    sweeping ??= sweep()
      .catch((error: unknown) => log.debug(errorFields(error), 'the outbox could not be swept')) // Redis is out: the connection reports itself
      .finally(() => {
        sweeping = null;
      });
  }, SWEEP_EVERY_MS);
  const worker = openQueueWorker(deps, CALLBACK_QUEUE_NAME, process, WORKER);

  async function stop(graceMs: number): Promise<void> {
    isStopping = true;
    clearInterval(timer);
    await sweeping;
    await worker.close(graceMs);
    await queue.close();
    await worker.disconnect();
  }
  await startedOrStopped(worker.ready(), stop);
  return stop;
}

function parseCallback(text: string): Callback | null {
  try {
    return callbackSchema.parse(JSON.parse(text));
  } catch {
    return null; // no JSON, or of an unknown shape
  }
}
