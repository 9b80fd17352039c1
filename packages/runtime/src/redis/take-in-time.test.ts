import { describe, expect, it } from 'vitest';
import { takeInTime } from './take-in-time.ts';

function clockAt(now: number) {
  let doubts = 0;
  return { clock: { now: () => now, doubt: () => void doubts++ }, doubts: () => doubts };
}

describe('a command that takes a lease', () => {
  it('gets the moment after which it must do nothing, and its reply is passed on', async () => {
    const { clock, doubts } = clockAt(1_790_000_000_000);
    let sent = 0;
    const reply = await takeInTime<string[]>(clock, async (notAfter) => {
      sent = notAfter;
      return ['a'];
    });
    expect([reply, sent - clock.now()]).toEqual([['a'], 2_000]);
    expect(doubts()).toBe(0);
  });

  it('that Redis ran too late is an error, and puts the clock in doubt if it was in time by our own', async () => {
    const { clock, doubts } = clockAt(0);
    await expect(takeInTime(clock, async () => null)).rejects.toThrow('it did nothing');
    expect(doubts()).toBe(1);
  });
});
