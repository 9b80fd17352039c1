import { expect, it } from 'vitest';
import { createRecentSet } from './recent-set.ts';

it('keeps the entries that were last added, or added again, up to its bound', () => {
  const recent = createRecentSet(2);
  for (const one of ['a', 'b', 'a', 'c']) recent.add(one);
  expect(['a', 'b', 'c'].filter(recent.has)).toEqual(['a', 'c']);
  recent.delete('a');
  recent.add('d');
  expect(['a', 'b', 'c', 'd'].filter(recent.has)).toEqual(['c', 'd']);
});
