/** The time limits of the examples of `infra/proxies` fit those of a gateway. */

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { belowPath, EXAMPLES, readExample, replaced } from './proxy-examples.ts';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const millisecondsIn = (path: string, name: string): number =>
  Number(new RegExp(`const ${name} = ([\\d_]+);`).exec(read(path))?.[1]?.replaceAll('_', ''));

const PING_EVERY_MS = millisecondsIn('apps/gateway/src/streams/transports/websocket-credit.ts', 'PING_EVERY_MS');
const KEEP_ALIVE_MS = millisecondsIn('apps/gateway/src/http/http-server.ts', 'KEEP_ALIVE_MS');
const HOLD_MS = 1_000 * Number(/wait: z\.coerce\s*\.number\(\)[^;]*?\.max\((\d+)\b/.exec(read('packages/core/src/requests.ts'))?.[1]);

const seconds = (text: string, setting: RegExp): number[] => [...text.matchAll(setting)].map(([, value]) => Number(value) * 1_000);

it('a proxy cuts no stream between two signs of life, and no request that is held', () => {
  const longest = Math.max(PING_EVERY_MS, HOLD_MS);
  const limits = [
    ...seconds(readExample('nginx'), /proxy_(?:read|send)_timeout (\d+)s/g),
    ...seconds(readExample('haproxy'), /timeout (?:client|server|tunnel) (\d+)s/g),
  ];
  expect(limits).toHaveLength(5);
  for (const limit of limits) expect(limit).toBeGreaterThanOrEqual(2 * longest);
});

it('a proxy closes an idle connection before the gateway does', () => {
  const limits = [...seconds(readExample('nginx'), / keepalive_timeout (\d+)s/g), ...seconds(readExample('caddy'), /keepalive (\d+)s/g)];
  expect(limits).toHaveLength(2);
  for (const limit of limits) expect(limit).toBeLessThan(KEEP_ALIVE_MS);
});

it.each(EXAMPLES)('the example of %s says once how to serve below a path', (name) => {
  expect(readExample(name).split('Below a path:')).toHaveLength(2);
  expect(belowPath(readExample(name))).not.toContain('Below a path:');
});

it('a text that the example does not have is not replaced in silence', () => {
  expect(() => replaced('listen 80;', [['listen 81', '']])).toThrow('the example has no "listen 81"');
});
