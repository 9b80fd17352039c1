/**
 * A gateway below a path of another host. nginx leaves a plain path, removes an encoded one, or
 * removes half of one. Also all that path-prefix.e2e.test.ts leaves out.
 */

import { describe } from 'vitest';
import { isMissing } from '../test/find-program.ts';
import { QUICK_PLACES, testBelow } from '../test/path-prefix.ts';
import type { Place } from '../test/path-prefix-stage.ts';

const PLACES: readonly Place[] = [
  {
    name: 'a path that nginx takes off but for a slash',
    path: '/qrcast',
    prefix: '/qrcast',
    location: '/qrcast',
    uri: '/',
    leavesTwoSlashes: true,
  },
  { name: 'a path that nginx leaves on', path: '/qrcast', prefix: '/qrcast', location: '/qrcast/', uri: '' },
  {
    name: 'an encoded path of two names that nginx takes off',
    path: '/вход/qr%20max/',
    prefix: '/%D0%B2%D1%85%D0%BE%D0%B4/qr%20max',
    location: '"/вход/qr max/"',
    uri: '/',
  },
];

describe.skipIf(isMissing('nginx')).concurrent.each(PLACES)('below $name', (place) => testBelow(place));

describe.skipIf(isMissing('nginx')).concurrent.each(QUICK_PLACES)('below $place.name', ({ place, checks }) => {
  testBelow(place, (name) => !checks.includes(name));
});
