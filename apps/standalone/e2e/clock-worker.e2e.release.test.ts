/**
 * All that clock-worker.e2e.test.ts leaves out. A clock set back by two hours stops an unprotected
 * worker for longer than any test lasts.
 */

import { openTestReceiver } from '@qrcast/runtime/test/receiver';
import { describe, expect, it } from 'vitest';
import { expectCallbackAtItsTime, expectPollsGoOn, HOUR_MS, UNPROTECTED, untilPolled, watchSessions } from '../test/clock-scene.ts';
import { useStages } from '../test/use-stages.ts';

const { openStage, keep } = useStages();

describe.each([2 * HOUR_MS, -2 * HOUR_MS])('the only worker, when its clock is set by %i ms', (byMs) => {
  it('goes on to poll', async () => expectPollsGoOn(await openStage(), byMs));
});

it('the only worker sends a refused callback again at its time when its clock is set two hours back', async () => {
  const receiver = await keep(openTestReceiver());
  await expectCallbackAtItsTime(await openStage({ env: { QRCAST_CALLBACK_HOSTS: receiver.url } }), receiver, -2 * HOUR_MS);
});

describe('(twin) without a clock that nobody sets', () => {
  it('one of two workers that is set forward ends the sessions', async () => {
    const stage = await openStage({ workers: 2, env: UNPROTECTED });
    const sessions = await watchSessions(stage, 20);
    await stage.workers[1]?.shiftClock(2 * HOUR_MS);
    await Promise.any(sessions.map(({ viewer }) => viewer.until(({ end }) => end?.reason === 'expired')));
  });

  it('the only worker stops when it is set back', async () => {
    const stage = await openStage({ env: UNPROTECTED });
    const sessions = await watchSessions(stage, 5);
    await untilPolled(sessions, 2);
    await stage.workers[0].shiftClock(-2 * HOUR_MS);
    const before = sessions.map(({ instance }) => instance.requests.length);
    // The first poll of a watched session needs no tick. So these go on, one after another, for as
    // long as several polls of the others would take.
    for (let i = 0; i < 20; i++) await watchSessions(stage, 1);
    const polls = sessions.map(({ instance }, i) => instance.requests.length - (before[i] ?? 0));
    expect(Math.max(...polls)).toBeLessThanOrEqual(1); // one may have been under way
  });
});
