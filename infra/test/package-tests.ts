/**
 * What the vitest configurations of all packages share: which files belong to which suite, how long a test may take, and how many files
 * run at once. The suites and their goal stand in CONTRIBUTING.md.
 */

/** Long tests, which `pnpm test` leaves out and `pnpm test:release` runs besides all others. */
const RELEASE_FILES = '**/*.release.test.ts';

/**
 * A test ends by what happens, not by this: it is for tests that hang. A verdict must not depend on the speed of the machine, so the limit
 * is many times what the slowest test needs on a machine with two cores. Nothing but a suite that hangs ever waits that long.
 */
const TEST_LIMIT_MS = 300_000;

/** Most tests wait for something most of the time; three of them keep a machine with two cores about busy. */
const FILES_AT_ONCE = 3;

const isReleaseRun = process.env['QRCAST_TESTS'] === 'release'; // set by run.ts

/** The `test` part of a package's vitest configuration. */
export const packageTests = {
  include: ['{src,test,e2e,fuzz}/**/*.test.ts'],
  exclude: ['**/node_modules/**', ...(isReleaseRun ? [] : [RELEASE_FILES])],
  maxWorkers: FILES_AT_ONCE,
  testTimeout: TEST_LIMIT_MS,
  hookTimeout: TEST_LIMIT_MS,
  expect: { poll: { timeout: TEST_LIMIT_MS, interval: 20 } },
};
