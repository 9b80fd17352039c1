/**
 * What the vitest configurations of all packages share: which files each suite runs, how long a
 * test may take, and how many files run at once. CONTRIBUTING.md describes the suites.
 */

import { dirname, join } from 'node:path';
import { LongFirst } from './long-first.ts';

/**
 * - `plain`: the tests that need nothing but Node (`pnpm check`)
 * - empty: all but the long tests (`pnpm test`)
 * - `release`: all tests (`pnpm test:release`)
 */
const SUITE = process.env['QRCAST_TESTS'] ?? ''; // set by run.ts

const LONG_FILES = ['**/*.release.test.ts'];
/** These need a real Redis, or all there is: a browser, certificates, proxies. */
const NEEDING_FILES = ['**/*.redis.test.ts', '**/*.e2e.test.ts', ...LONG_FILES];

/**
 * This limit only ends a test that hangs. A verdict must not depend on the speed of the machine, so
 * the limit is many times what the slowest test needs on a machine with two cores.
 */
const TEST_LIMIT_MS = 300_000;
/** Less than that of the test: what was expected and what came says more than that a test hangs. */
const POLL_LIMIT_MS = 240_000;

/**
 * Most tests wait for something most of the time; three of them keep a machine with two cores about
 * busy.
 */
const FILES_AT_ONCE = 3;
/** Tests of one file that are marked as concurrent. With more, a process waits seconds for a processor. */
const TESTS_AT_ONCE = 3;

/** The `test` part of a package's vitest configuration. */
export const packageTests = {
  include: ['{src,test,e2e,fuzz,chaos}/**/*.test.ts'],
  exclude: ['**/node_modules/**', ...(SUITE === 'plain' ? NEEDING_FILES : SUITE === 'release' ? [] : LONG_FILES)],
  maxWorkers: FILES_AT_ONCE,
  maxConcurrency: TESTS_AT_ONCE,
  sequence: { sequencer: LongFirst },
  testTimeout: TEST_LIMIT_MS,
  hookTimeout: TEST_LIMIT_MS,
  setupFiles: [join(import.meta.dirname, 'own-expect.ts')],
  expect: { poll: { timeout: POLL_LIMIT_MS, interval: 20 } },
};

/**
 * @param setup the file that starts a private Redis. The plain suite has no test that needs it.
 * Beside it is what runs before each file of tests.
 */
export const packageTestsWithRedis = (setup: string): typeof packageTests & { readonly globalSetup: string[] } => ({
  ...packageTests,
  globalSetup: SUITE === 'plain' ? [] : [setup],
  setupFiles: SUITE === 'plain' ? packageTests.setupFiles : [...packageTests.setupFiles, join(dirname(setup), 'one-slot.ts')],
});
