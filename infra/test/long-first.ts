/**
 * The order in which the files of a package begin. Vitest begins with the largest. A file that waits
 * for long and begins last is left alone at the end, with the processors idle: so these begin first.
 */

import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes longest, by the list that a run of all tests prints at its end. */
const LONG_FILES = [
  'client.redis.test.ts',
  'streams.redis.test.ts',
  'webhook-setup.redis.test.ts',
  'connections.redis.test.ts',
  'poll-queue-clock.redis.test.ts',
  'login.e2e.test.ts',
  'start.e2e.test.ts',
  'no-leaks.e2e.test.ts',
  'console.e2e.test.ts',
  'docs.e2e.test.ts',
  'cluster.e2e.test.ts',
];

const isLong = ({ moduleId }: TestSpecification): boolean => LONG_FILES.some((name) => moduleId.endsWith(`/${name}`));

export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}
