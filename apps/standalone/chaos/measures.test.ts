import { describe, expect, it } from 'vitest';
import type { SessionLog, Told } from './checker.ts';
import { told } from './logs.ts';
import { codeLags, createTakeoverTimes } from './measures.ts';

/** Created at 1,000; `told(v, …)` comes at `v` × 1,000 unless `at` says otherwise. Its code was issued at 1,000. */
function log(...viewers: readonly (readonly Told[])[]): SessionLog {
  const named = viewers.map((all, i) => ({ name: `viewer ${i + 1}`, told: all }));
  return {
    ...{ sessionId: 'ses_a', createdAt: 1_000, requests: [], isLoggedIn: true, notes: [] },
    ...{ viewers: named, final: { state: 'connected', version: 4 } as const },
  };
}
const at = (ms: number, one: Told): Told => ({ ...one, at: ms });

describe('the time of a code', () => {
  it('counts from the answer of the provider to each viewer that was there', () => {
    const prompt = [at(995, told(1, 'waiting')), at(1_010, told(2, 'showing'))];
    const late = [at(995, told(1, 'waiting')), at(1_900, told(2, 'showing'))];
    expect(codeLags(log(prompt, late))).toEqual([10, 900]);
  });

  it('counts once, although the state that shows the code has other versions', () => {
    const again = [at(995, told(1, 'waiting')), at(1_010, told(2, 'showing')), at(3_500, told(3, 'showing'))];
    expect(codeLags(log(again))).toEqual([10]);
  });

  it('counts for a viewer that missed it until a newer state, and not for one that came later', () => {
    const prompt = [at(995, told(1, 'waiting')), at(1_010, told(2, 'showing'))];
    const missed = [at(995, told(1, 'waiting')), at(8_000, told(4, 'connected'))];
    const came = [at(5_000, told(2, 'showing'))];
    expect(codeLags(log(prompt, missed, came))).toEqual([10, 7_000]);
  });
});

describe('the time of a takeover', () => {
  const takeover = (isOf: boolean) => ({ diedAt: 10_000, replacedAt: 13_000, isOf: () => isOf });
  const [old, changed] = [told(8_000, 'waiting'), told(12_150, 'showing')]; // made at 9,000 and at 13,150
  const session = log([at(10_100, old), at(13_400, changed)], [at(13_100, old), at(13_200, changed)]);

  it('is that of the first viewer who is told of a change since, and not of an old state', () => {
    const times = createTakeoverTimes();
    times.take(session, [takeover(true)]);
    expect(times.result()).toEqual([{ replacedMs: 3_000, toldMs: 3_200 }]);
  });

  it('leaves out the sessions of other masters', () => {
    const times = createTakeoverTimes();
    times.take(session, [takeover(false)]);
    expect(times.result()).toEqual([{ replacedMs: 3_000, toldMs: null }]);
  });
});
