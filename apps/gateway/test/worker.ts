/** For tests: does to sessions what a worker would do, and looks into the queue of polls. */

import type { Outcome, PollMethod } from '@qrcast/core/outcome';
import { isFinal, type Session } from '@qrcast/core/session';
import type { Node } from '@qrcast/runtime/node';
import type { PollTarget } from '@qrcast/runtime/polling/poll-queue';
import { pollMember, shardOf } from '@qrcast/runtime/polling/shards';
import { POLL_QUEUE_NAME, shardKeys } from '@qrcast/runtime/redis/keys';
import { workParts } from '@qrcast/runtime/redis/work-parts';

export interface TestWorker {
  /** Does what the worker would after a poll that is answered now, as soon as the session is watched. */
  answer(sessionId: string, outcome: Outcome): Promise<Session>;
  /** The same for a session that nobody watches: the last answer before its viewers left. */
  answerUnwatched(sessionId: string, outcome: Outcome): Promise<Session>;
  /** Lets the deadline of the attempt pass. */
  passDeadline(sessionId: string): Promise<Session>;
  isQueued(sessionId: string): Promise<boolean>;
  /**
   * Takes the wake-up that waits for a worker, null if none does. It is removed, because a later
   * one would be merged into it.
   */
  takeWakeUp(sessionId: string): Promise<{ readonly sessionId: string; readonly ask: PollMethod | null } | null>;
}

export function createTestWorker(node: Node, namespace: string): TestWorker {
  async function apply(sessionId: string, event: Parameters<Node['sessions']['apply']>[1]): Promise<Session> {
    const session = await node.sessions.apply(sessionId, event);
    if (session === null) throw new Error('there is no such session');
    return session;
  }

  async function answerUnwatched(sessionId: string, outcome: Outcome): Promise<Session> {
    const at = node.clock.now();
    const fence = (await node.sessions.find(sessionId))?.fence ?? 0;
    // Two answers within a millisecond are of two requests.
    return apply(sessionId, { kind: 'answered', at, startedAt: Math.max(at, fence + 1), jitter: 0, outcome });
  }

  return {
    answerUnwatched,
    async answer(sessionId, outcome) {
      // A viewer's first message can arrive before its gateway has written that the session is watched.
      while ((await node.sessions.find(sessionId))?.state.kind === 'idle') await new Promise(setImmediate);
      return answerUnwatched(sessionId, outcome);
    },
    async passDeadline(sessionId) {
      const session = await apply(sessionId, { kind: 'watched', at: node.clock.now() });
      if (isFinal(session)) throw new Error('the session is over');
      return apply(sessionId, { kind: 'elapsed', at: session.deadlineAt });
    },
    async isQueued(sessionId) {
      const session = await node.sessions.find(sessionId);
      if (session === null) throw new Error('there is no such session');
      return (await node.queue.renew([{ sessionId, instanceKey: session.instanceKey, tenantId: session.tenantId }], 0)).length === 0;
    },
    async takeWakeUp(sessionId) {
      const jobs = workParts(namespace, node.redis).map(({ queuePrefix }) => `${queuePrefix}:${POLL_QUEUE_NAME}:poke-${sessionId}`);
      const [data = null] = (await Promise.all(jobs.map((job) => node.redis.hget(job, 'data')))).filter((found) => found !== null);
      await Promise.all(jobs.map((job) => node.redis.del(job)));
      if (data === null) return null;
      const target = JSON.parse(data) as PollTarget;
      const [, , , poked] = shardKeys(namespace, shardOf(target));
      const ask = await node.redis.hget(poked, pollMember(target));
      await node.redis.hdel(poked, pollMember(target));
      return { sessionId: target.sessionId, ask: ask as PollMethod | null };
    },
  };
}
