/**
 * Set-up of vitest: the `expect` that is imported does not know which of several concurrent tests
 * calls it. Once one of them has ended, its `poll` fails in all the others, whatever is tested. So
 * it fails in a concurrent test at once, and not only on a slow machine.
 */

import { expect, TestRunner } from 'vitest';

const poll = expect.poll;
expect.poll = (...args) => {
  if (TestRunner.getCurrentTest()?.concurrent)
    throw new Error("In a concurrent test, use `expect.poll` of the `expect` in the test's context.");
  return poll(...args);
};
