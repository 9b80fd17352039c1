/**
 * A gateway below a path of another host. nginx removes a plain path, or leaves an encoded one. What
 * these two leave out, and other paths, are in path-prefix.e2e.release.test.ts.
 */

import { describe } from 'vitest';
import { isMissing } from '../test/find-program.ts';
import { QUICK_PLACES, testBelow } from '../test/path-prefix.ts';

describe.skipIf(isMissing('nginx')).concurrent.each(QUICK_PLACES)('below $place.name', ({ place, checks }) => {
  testBelow(place, (name) => checks.includes(name));
});
