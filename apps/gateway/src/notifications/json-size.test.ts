import { expect, it } from 'vitest';
import { holdsAtMost } from './json-size.ts';

it.each([
  ['5', 1],
  ['"a,b,[{"', 1],
  [String.raw`"a\",\\"`, 1],
  ['[]', 2],
  ['[1,2,3]', 4],
  ['{"a":1,"b":"x,y","c":[{}]}', 6],
  ['["a\\\\",1,"b"]', 4],
  ['[[[', 4],
])('%s holds %i', (text, count) => {
  expect([holdsAtMost(count, text), holdsAtMost(count - 1, text)]).toEqual([true, false]);
});
