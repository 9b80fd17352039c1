import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLog } from '../log.ts';
import type { ClaimedMark } from '../outbox/outbox-claims.ts';
import { wholeWork } from '../redis/keys.ts';
import { createOutboxSweep, type OutboxSweepDeps } from './outbox-sweep.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const LATER: ClaimedMark = {
  mark: { kind: 'due', job: 'deliver', tenantId: 'acme', id: 'cbk_1' },
  isNew: false,
  dueInMs: 150,
  leaseUntil: 10_000,
};

function openSweep() {
  const claim = Promise.withResolvers<readonly ClaimedMark[]>();
  const woken = Promise.withResolvers<boolean>();
  const settled: (number | null)[] = [];
  const deps: Partial<OutboxSweepDeps> = {
    claims: {
      claim: () => claim.promise,
      settle: async (_claimed, againMs) => void settled.push(againMs),
    },
    jobs: { add: async () => undefined, wake: () => woken.promise },
    log: createLog('test', 'silent'),
  };
  const outbox = createOutboxSweep(deps as OutboxSweepDeps, wholeWork('test'), 200); // a mark of this kind needs nothing else
  return { outbox, claim, woken, settled };
}

it('a mark that was claimed while the sweep stopped is given back, and sets no timer', async () => {
  const { outbox, claim, settled } = openSweep();
  const sweeping = outbox.sweep();
  await outbox.stop();
  claim.resolve([LATER]);
  await sweeping;
  expect(vi.getTimerCount()).toBe(0);
  expect(settled).toEqual([150]);
});

it('the stop awaits a mark whose time had come', async () => {
  const { outbox, claim, woken, settled } = openSweep();
  claim.resolve([LATER]);
  await outbox.sweep();
  vi.advanceTimersByTime(150);
  const stopped = outbox.stop().then(() => settled.length);
  await Promise.resolve();
  woken.resolve(true);
  expect(await stopped).toBe(1);
});

it('a mark whose master does not answer holds up no other', async () => {
  const { outbox, claim, settled, woken } = openSweep();
  claim.resolve([{ ...LATER, dueInMs: 0 }]);
  await outbox.sweep(); // it would wait for the mark
  expect(settled).toEqual([]);
  woken.resolve(true);
  await outbox.stop();
  expect(settled).toHaveLength(1);
});
