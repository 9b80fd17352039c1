import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { violations } from './import-rules.ts';
import { readImports, specifiersIn } from './imports.ts';

const TOP = fileURLToPath(new URL('../../..', import.meta.url));

describe('the imports of this workspace', () => {
  const found = violations(readImports(TOP));

  it('break no rule', () => {
    expect(found).toEqual([]);
  });
});

describe('a planted import', () => {
  it.each([
    ['packages/core/src/session.ts', 'packages/runtime/src/log.ts', 'packages/core does not import packages/runtime'],
    ['packages/core/src/session.test.ts', 'packages/runtime/src/log.ts', 'packages/core does not import packages/runtime'],
    ['packages/runtime/src/log.ts', 'packages/provider/src/provider.ts', 'packages/runtime does not import packages/provider'],
    ['packages/provider/src/provider.ts', 'packages/runtime/src/log.ts', 'packages/provider does not import packages/runtime'],
    ['packages/client/src/closed.ts', 'packages/core/src/wire.ts', 'packages/client does not import packages/core'],
    ['packages/runtime/src/log.ts', 'apps/worker/src/worker.ts', 'packages/runtime does not import apps/worker'],
    ['packages/runtime/src/log.ts', 'infra/test/tools.ts', 'packages/runtime does not import infra/test'],
    ['apps/worker/src/worker.ts', 'apps/gateway/src/gateway.ts', 'apps/worker does not import apps/gateway'],
    ['apps/worker/test/callbacks.ts', 'apps/gateway/src/gateway.ts', 'apps/worker does not import apps/gateway'],
    ['apps/examples/node/login.ts', 'packages/core/src/wire.ts', 'apps/examples does not import packages/core'],
    ['apps/brand-new/src/main.ts', 'packages/core/src/wire.ts', 'apps/brand-new does not import packages/core'],
    ['apps/worker/src/worker.test.ts', 'apps/worker/src/other.test.ts', 'a test file is not imported'],
    ['apps/worker/src/worker.ts', 'apps/worker/src/other.redis.test.ts', 'a test file is not imported'],
    ['apps/worker/src/a.test.ts', 'packages/runtime/test/redis.ts', 'a test that needs something says so in its suffix'],
    ['apps/standalone/e2e/a.test.ts', 'apps/standalone/test/browser.ts', 'a test that needs something says so in its suffix'],
    ['apps/worker/src/worker.ts', 'apps/worker/test/pictures.ts', 'sources do not import test support'],
    ['apps/standalone/src/main.ts', 'apps/standalone/e2e/scene.ts', 'sources do not import test support'],
    ['apps/standalone/src/main.ts', 'apps/standalone/fuzz/stage.ts', 'sources do not import test support'],
    ['infra/bench/src/main.ts', 'packages/runtime/test/redis.ts', 'sources do not import test support'],
    ['apps/gateway/src/tenants/a.ts', 'apps/gateway/src/limits/b.ts', 'an import in apps/gateway/src/ points to a layer above'],
    ['apps/gateway/src/limits/a.ts', 'apps/gateway/src/http/b.ts', 'an import in apps/gateway/src/ points to a layer above'],
    ['apps/gateway/src/http/a.ts', 'apps/gateway/src/auth/b.ts', 'an import in apps/gateway/src/ points to a layer above'],
    ['apps/gateway/src/auth/a.ts', 'apps/gateway/src/sessions/b.ts', 'an import in apps/gateway/src/ points to a layer above'],
    [
      'apps/gateway/src/sessions/a.ts',
      'apps/gateway/src/streams/transports/b.ts',
      'an import in apps/gateway/src/ points to a layer above',
    ],
    ['apps/gateway/src/streams/a.ts', 'apps/gateway/src/api/b.ts', 'an import in apps/gateway/src/ points to a layer above'],
    ['apps/gateway/src/audit/a.ts', 'apps/gateway/src/gateway.ts', 'an import in apps/gateway/src/ points to a layer above'],
    ['packages/runtime/src/redis/a.ts', 'packages/runtime/src/sessions/b.ts', 'an import in packages/runtime/src/ points to a layer above'],
    ['packages/runtime/src/log.ts', 'packages/runtime/src/node.ts', 'an import in packages/runtime/src/ points to a layer above'],
    ['apps/gateway/src/brand-new/a.ts', 'apps/gateway/src/http/b.ts', 'a folder that is not among the layers of apps/gateway/src/'],
  ])('from %s to %s is reported', (from, to, reason) => {
    expect(violations([{ from, to }])).toEqual([`${from} -> ${to}: ${reason}`]);
  });

  it('that closes a cycle is found once, with all files of the cycle and no others', () => {
    const pairs = ['a c', 'b a', 'c b', 'c d', 'e a'].map((pair) => pair.split(' ').map((name) => `apps/worker/src/${name}.ts`));
    const imports = pairs.map(([from = '', to = '']) => ({ from, to }));
    expect(violations(imports)).toEqual([
      'apps/worker/src/a.ts <-> apps/worker/src/b.ts <-> apps/worker/src/c.ts: they import each other in a cycle',
    ]);
    expect(violations(imports.slice(1))).toEqual([]);
  });
});

describe('an allowed import', () => {
  it.each([
    ['apps/gateway/src/gateway.ts', 'apps/gateway/src/tenants/tenants.ts'],
    ['apps/gateway/src/api/a.ts', 'apps/gateway/src/notifications/b.ts'],
    ['apps/gateway/src/http/a.redis.test.ts', 'apps/gateway/src/gateway.ts'],
    ['apps/standalone/src/stack.ts', 'apps/worker/src/worker.ts'],
    ['apps/worker/src/a.redis.test.ts', 'packages/provider/test/connect-proxy.ts'],
    ['apps/worker/src/a.redis.release.test.ts', 'packages/runtime/test/redis.ts'],
    ['packages/client/src/package.test.ts', 'infra/test/packed-client.ts'],
  ])('from %s to %s is not reported', (from, to) => {
    expect(violations([{ from, to }])).toEqual([]);
  });
});

it('every form of an import is read', () => {
  const text = `import './effect.ts';
import type { A } from './type.ts';
import {
  B,
  C,
} from './lines.ts';
export { D } from './again.ts';
export const folder = new URL('../no-module/', import.meta.url);
const lazy = await import('./lazy.ts');
const path = import.meta.resolve('./path.ts');
const thread = new URL('./thread.ts', import.meta.url);
`;
  const names = ['effect', 'type', 'lines', 'again', 'lazy', 'path', 'thread'];
  expect(specifiersIn(text)).toEqual(names.map((name) => `./${name}.ts`));
});
