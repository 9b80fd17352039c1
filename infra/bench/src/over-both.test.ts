import { expect, it } from 'vitest';
import { compareOverBoth, targetBesideRival, targetOfLargest } from './over-both.ts';
import type { FigureSpec } from './rounds.ts';

const contender = (name: string, values: readonly number[]) => {
  const left = [...values];
  return { name, measure: async () => ({ cost: left.shift() ?? Number.NaN, left: 1 }) };
};
const compared = () =>
  compareOverBoth({
    rounds: 1,
    contendersOver: (over) =>
      over === 'WebSocket' ? [contender('qrcast', [6]), contender('bare', [4])] : [contender('qrcast', [8]), contender('stock', [10])],
    figures: { cost: { what: 'cost', unit: 'µs', isChecked: true }, left: { what: 'left', unit: '' } },
    progress: () => undefined,
  });

it('has a column for the rival of each transport, and names the transport in each row', async () => {
  expect((await compared()).filter(({ isChecked }) => isChecked)).toEqual([
    { what: 'WebSocket: cost', unit: 'µs', ours: [6], others: [[4], null], isChecked: true },
    { what: 'Socket.IO: cost', unit: 'µs', ours: [8], others: [null, [10]], isChecked: true },
  ]);
});

it('measures a target beside the rival of the transport', async () => {
  const rows = await compared();
  expect(targetBesideRival(rows, 'WebSocket', 'cost', 1)).toEqual({ what: 'WebSocket: cost', measured: 1.5, unit: '× bare', most: 1 });
  expect(targetBesideRival(rows, 'Socket.IO', 'cost', 1)).toEqual({ what: 'Socket.IO: cost', measured: 0.8, unit: '× stock', most: 1 });
});

it('measures a target by the largest of several rows, and never meets one whose row is missing', async () => {
  const rows = await compared();
  const [cost, left, none] = ['cost', 'left', 'none'].map((what) => ({ what, unit: 'µs' })) as [FigureSpec, FigureSpec, FigureSpec]; // as many
  expect(targetOfLargest(rows, 'WebSocket', 'both', [cost, left], 5)).toEqual({
    what: 'WebSocket: both',
    measured: 6,
    unit: 'µs',
    most: 5,
  });
  expect(targetOfLargest(rows, 'WebSocket', 'both', [cost, none], 5).measured).toBeNaN();
});
