/** A gateway below a path of another host. nginx removes a plain path, or leaves an encoded one. */

import { describe } from 'vitest';
import { type Place, testBelow } from '../test/path-prefix.ts';
import { isMissing } from '../test/proxies.ts';

const PLACES: readonly Place[] = [
  { name: 'a path that nginx takes off', path: '/qrcast/', prefix: '/qrcast', location: '/qrcast/', uri: '/' },
  {
    name: 'an encoded path of two names that nginx leaves on',
    path: '/%d0%b2ход/qr%20max',
    prefix: '/%d0%b2%D1%85%D0%BE%D0%B4/qr%20max',
    location: '"/вход/qr max/"',
    uri: '',
  },
];

describe.skipIf(isMissing('nginx')).concurrent.each(PLACES)('below $name', testBelow);
