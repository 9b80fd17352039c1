/** The console is off unless the operator turns it on. */

import { afterEach, expect, it } from 'vitest';
import { openTestGateway, type TestGateway } from '../../test/gateway.ts';

let test: TestGateway;
afterEach(() => test.close());

const PATHS = ['/console', '/console/', '/console/assets/console.js', '/console/assets/console.css'];
const answers = (paths: readonly string[]) => Promise.all(paths.map((path) => fetch(`${test.url}${path}`)));

it('is served with the headers that every answer has', async () => {
  test = await openTestGateway({ hasConsole: true });
  const found = await answers(PATHS);
  expect(found.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  for (const { headers } of found) {
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
  }
});

it('is an unknown path where it is off', async () => {
  test = await openTestGateway();
  const unknown = await (await fetch(`${test.url}/nothing`)).text();
  const found = await answers(PATHS);
  expect(found.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
  for (const answer of found) expect(await answer.text()).toBe(unknown);
});
