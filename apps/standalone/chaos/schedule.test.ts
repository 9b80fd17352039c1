import { describe, expect, it } from 'vitest';
import { createRandom } from './random.ts';
import { createSchedule, FAULT_KINDS } from './schedule.ts';

const OPTIONS = { seed: 7, durationMs: 600_000, faults: FAULT_KINDS, everyMs: 500 };

describe('a schedule', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(createSchedule(OPTIONS)).toEqual(createSchedule(OPTIONS));
    expect(createSchedule({ ...OPTIONS, seed: 8 })).not.toEqual(createSchedule(OPTIONS));
  });

  it('brings every fault that is enabled, and no other', () => {
    const kinds = (faults: typeof FAULT_KINDS) => new Set(createSchedule({ ...OPTIONS, faults }).map(({ kind }) => kind));
    expect([...kinds(FAULT_KINDS)].toSorted()).toEqual([...FAULT_KINDS].toSorted());
    expect([...kinds(['kill worker', 'older data'])].toSorted()).toEqual(['kill worker', 'older data']);
  });

  it('brings each fault once before any comes twice, if Redis is free in between', () => {
    const slow = createSchedule({ ...OPTIONS, everyMs: 20_000 }); // so that Redis is free again each time
    expect(new Set(slow.slice(0, FAULT_KINDS.length).map(({ kind }) => kind)).size).toBe(FAULT_KINDS.length);
  });

  it('breaks Redis in one way at a time', () => {
    const ofRedis = createSchedule({ ...OPTIONS, faults: ['stop redis', 'older data', 'refuse writes', 'demote redis', 'cut viewers'] });
    const steps = ofRedis.filter(({ kind }) => kind !== 'cut viewers');
    expect(steps.length).toBeGreaterThan(20);
    for (const [i, { at, lastsMs }] of steps.slice(0, -1).entries()) expect(steps[i + 1]?.at).toBeGreaterThan(at + lastsMs);
  });

  it('keeps its order, its pace and its end', () => {
    const steps = createSchedule(OPTIONS);
    expect(steps.length).toBeGreaterThan(600_000 / 500 / 2);
    expect(steps).toEqual(steps.toSorted((a, b) => a.at - b.at));
    expect(steps.every(({ at, lastsMs }) => at + lastsMs <= 600_000)).toBe(true);
  });
});

it('random numbers are spread evenly', () => {
  const random = createRandom(1);
  const counts = Array.from({ length: 10 }, () => 0);
  for (let i = 0; i < 100_000; i++) {
    const at = random.between(0, 9);
    counts[at] = (counts[at] ?? 0) + 1;
  }
  expect(Math.min(...counts)).toBeGreaterThan(9_500);
  expect(Math.max(...counts)).toBeLessThan(10_500);
});
