import { expect, it } from 'vitest';
import { createMessageBudget, MESSAGE_BURST, MESSAGES_PER_SECOND } from './message-budget.ts';

it('admits a burst, then the rate, and no larger burst after a longer wait', () => {
  let now = 0;
  const take = createMessageBudget(() => now);
  const takeAll = (): number => {
    let count = 0;
    while (count < 1_000 && take()) count++;
    return count;
  };
  expect(takeAll()).toBe(MESSAGE_BURST);
  now += 1_000;
  expect(takeAll()).toBe(MESSAGES_PER_SECOND - 1); // the refused message was counted, too
  now += 3_600_000;
  expect(takeAll()).toBe(MESSAGE_BURST);
});

it.each([1_004.08507, 12_345.6789, 1e9 + 1 / 3])('admits the whole burst at once, at %s ms', (moment) => {
  const take = createMessageBudget(() => moment);
  expect(Array.from({ length: MESSAGE_BURST + 1 }, take).filter(Boolean)).toHaveLength(MESSAGE_BURST);
});
