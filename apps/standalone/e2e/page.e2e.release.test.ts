/** Screens that page.e2e.test.ts leaves out. */

import { afterEach, it } from 'vitest';
import { useHostedPages } from '../test/hosted-pages.ts';
import { checkDesktopAndPhone, checkUnusual, UNUSUAL } from '../test/scannable-codes.ts';

const pages = useHostedPages();
afterEach(pages.close);

it.each([
  ['light', 2],
  ['dark', 1],
] as const)('a code can be scanned from a desktop and a phone in %s with %s pixels a point', (...look) =>
  checkDesktopAndPhone(pages, look),
);

it.each([UNUSUAL.longer, UNUSUAL.forced])('a code can be scanned %s, and with letters twice as large', (_name, options) =>
  checkUnusual(pages, options),
);
