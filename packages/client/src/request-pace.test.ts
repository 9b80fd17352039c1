import { describe, expect, it } from 'vitest';
import { createRequestPace } from './request-pace.ts';

/** The most requests in any second, if each begins as soon as it may. */
function mostInASecond(sizes: readonly number[]): number {
  let now = 0;
  const pace = createRequestPace(() => now);
  const begun: number[] = [];
  for (const size of sizes) {
    now += pace.waitMs(size);
    pace.take(size);
    for (let i = 0; i < size; i++) begun.push(now);
  }
  return Math.max(...begun.map((from) => begun.filter((at) => at >= from && at <= from + 1_000).length));
}

describe('the pace of requests', () => {
  it.each([
    ['one by one', [1, 1, 1, 1, 1, 1, 1]],
    ['in pairs', [2, 2, 2, 2]],
    ['as they come', [1, 2, 1, 1, 2, 2, 1, 1, 1, 2]],
  ])('is at most two in any second, %s', (_name, sizes) => {
    expect(mostInASecond(sizes)).toBe(2);
  });

  it('lets two requests begin at once, and later ones without a wait', () => {
    let now = 0;
    const pace = createRequestPace(() => now);
    expect([pace.waitMs(), pace.waitMs(2)]).toEqual([0, 0]);
    pace.take();
    expect([pace.waitMs(), pace.waitMs(2)]).toEqual([0, 1_250]);
    now = 250;
    pace.take();
    expect([pace.waitMs(), pace.waitMs(2)]).toEqual([1_000, 1_250]);
    now = 1_500;
    expect([pace.waitMs(), pace.waitMs(2)]).toEqual([0, 0]);
  });
});
