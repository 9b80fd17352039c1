/** As chaos.e2e.release.test.ts, on a Redis of several servers. */

import { it } from 'vitest';
import { expectCleanRun } from './short-run.ts';

it.each([
  ['Sentinels', 'sentinel', 3],
  ['a cluster', 'cluster', 3],
] as const)('on %s loses no login and tells nothing stale, whatever breaks', (_what, redis, seed) => expectCleanRun(redis, seed));
