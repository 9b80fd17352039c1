/** The polls of a session that its viewers left while it showed a code. */

import { DEFAULT_POLICY, UNWATCHED_INTERVALS } from '@qrcast/core/schedule';
import { describe, expect, it } from 'vitest';
import { preparePolls, T } from '../../test/polls.ts';

const { polls, created, handlers, claim, lease, stateNow } = preparePolls();

describe('a session that was left after a code was shown', () => {
  const SLOW_MS = DEFAULT_POLICY.intervalMs * UNWATCHED_INTERVALS;

  async function leave(): Promise<void> {
    await handlers().poll(claim(), lease);
    polls.now += 1_000;
    await handlers().unwatched(polls.target);
    polls.asked.length = 0;
  }

  it('stays in the queue until the deadline, with only state requests at a slower pace', async () => {
    await leave();
    expect(polls.ensured.at(-1)).toEqual({ sessionId: polls.session.id, until: T + SLOW_MS + 15_000, dueAt: T + SLOW_MS });
    polls.answer = () => ({ kind: 'notAuthorized' });
    let due = T + SLOW_MS;
    for (let polled: number | null = due; polled !== null && polled < polls.session.deadlineAt; ) {
      due = polls.now = polled;
      polled = (await handlers().poll(claim(), lease)).nextAt;
    }
    expect(polls.asked.map(({ method }) => method)).toEqual(Array(DEFAULT_POLICY.attemptMs / SLOW_MS - 1).fill('state'));
    polls.now = polls.session.deadlineAt;
    expect(await handlers().poll(claim(), lease)).toMatchObject({ nextAt: null });
    expect(await stateNow()).toEqual({ kind: 'idle' });
  });

  it('is connected by a login that nobody watched', async () => {
    await leave();
    polls.answer = () => ({ kind: 'authorized', account: null });
    polls.now = T + SLOW_MS;
    expect(await handlers().poll(claim(), lease)).toMatchObject({ nextAt: polls.now + 10_000 });
    expect((await stateNow())?.kind).toBe('connected');
  });

  it('is no longer polled once its tenant is suspended, and the next poll sends no request', async () => {
    await leave();
    polls.isActive = false;
    polls.now = T + SLOW_MS;
    expect(await handlers().poll(claim(), lease)).toMatchObject({ nextAt: null });
    expect([polls.asked, (await stateNow())?.kind]).toEqual([[], 'idle']);
    polls.isActive = true;
    await created({});
    await handlers().poll(claim(), lease);
    polls.isActive = false;
    await handlers().unwatched(polls.target);
    expect((await stateNow())?.kind).toBe('idle');
  });

  it('is polled while watched even if its tenant is suspended, because such tenants have no viewers', async () => {
    polls.isActive = false;
    await handlers().poll(claim(), lease);
    expect(polls.asked).toHaveLength(1);
  });
});
