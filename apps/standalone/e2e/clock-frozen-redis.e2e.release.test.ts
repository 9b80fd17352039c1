/** Polls after a Redis that answered nobody for a while. */

import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { untilPolled, watchSessions } from '../test/clock-scene.ts';
import { type FaultStage, openFaultStage } from '../test/fault-stage.ts';

/** Longer than a command waits for its answer (5 s), and than the lease of a poll (6 s). */
const FROZEN_MS = 8_000;

let stage: FaultStage;
afterEach(() => stage.close());

it('go on for every session when Redis was frozen for 8 s', async ({ annotate }) => {
  stage = await openFaultStage({ workers: 2 });
  const sessions = await watchSessions(stage, 20);
  await untilPolled(sessions, 2);
  stage.redis.freeze();
  await delay(FROZEN_MS); // the fault itself: nothing happens that could be waited for
  const before = sessions.map(({ instance }) => instance.requests.length);
  const thawedAt = performance.now();
  stage.redis.thaw();
  const afterMs = await Promise.all(
    sessions.map(async ({ instance }, i) => {
      await instance.untilRequests((before[i] ?? 0) + 1);
      return Math.round(performance.now() - thawedAt);
    }),
  );
  await annotate(`polls went on after ${Math.min(...afterMs)} to ${Math.max(...afterMs)} ms`); // to read, not to judge
  await untilPolled(sessions, 3);
  for (const { viewer } of sessions) expect(viewer.last()?.state).toBe('showing');
});
