import { expect, it } from 'vitest';
import { compare } from './rounds.ts';

function contender(name: string, order: string[], values: readonly number[]) {
  let round = 0;
  return {
    name,
    measure() {
      order.push(name);
      return Promise.resolve({ cost: values[round++] ?? Number.NaN });
    },
  };
}

it('measures in turn, every second round backwards, and keeps each value in its round', async () => {
  const order: string[] = [];
  const rows = await compare({
    rounds: 2,
    contenders: [contender('ours', order, [1, 2]), contender('bare', order, [3, 4]), contender('stock', order, [])],
    figures: { cost: { what: 'CPU', unit: 'µs', isChecked: true } },
    progress: () => undefined,
  });
  expect(order).toEqual(['ours', 'bare', 'stock', 'stock', 'bare', 'ours']);
  expect(rows).toEqual([{ what: 'CPU', unit: 'µs', ours: [1, 2], others: [[3, 4], null], isChecked: true }]);
});
