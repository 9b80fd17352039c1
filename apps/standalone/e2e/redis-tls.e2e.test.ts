/** Redis over TLS, whose certificate is signed by an authority of the operator's own. */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import { openTlsRedis, type TlsRedis } from '@qrcast/runtime/test/tls-redis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Environment, type Program, spawnNode, spawnRole } from '../test/role-process.ts';

const CLI = fileURLToPath(new URL('../src/cli.ts', import.meta.url));

let redis: TlsRedis;
beforeAll(async () => {
  redis = await openTlsRedis({ asksForCertificate: true });
});
afterAll(() => redis.close());

let releasers: Releasers;
beforeEach(() => {
  releasers = createReleasers();
});
afterEach(() => releasers.release());

/** A gateway, a worker and the command line. */
function startAll(fields: Environment): Program[] {
  const env = {
    PORT: '0',
    QRCAST_DRAIN_MS: '0',
    REDIS_URL: redis.url,
    QRCAST_SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    QRCAST_NAMESPACE: `test-${randomBytes(4).toString('hex')}`,
    ...fields,
  };
  const programs = [spawnRole('gateway', env), spawnRole('worker', env), spawnNode([CLI, 'rotate-keys', '--check'], env)];
  for (const program of programs) releasers.push('program', () => program.stop());
  return programs;
}

it.each([
  ['the setting', 'QRCAST_REDIS_CA'],
  ["Node's own variable", 'NODE_EXTRA_CA_CERTS'],
])('is used by both roles and the command line with its authority in %s', async (_case, variable) => {
  const { ca, cert, key } = redis.files;
  const [gateway, worker, rotation] = startAll({ [variable]: ca, QRCAST_REDIS_CERT: cert, QRCAST_REDIS_KEY: key }) as [
    Program,
    Program,
    Program,
  ];
  const rotated = once(rotation.child, 'close');
  const port = (await gateway.until(/"port":(\d+).*gateway listens/))[1];
  await worker.until(/"port":(\d+).*worker is up/);
  expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
  await rotated;
  expect(rotation.child.exitCode).toBe(0);
});

it('is refused without its authority, in words, by both roles and the command line', async () => {
  const programs = startAll({});
  await Promise.all(programs.map(({ child }) => once(child, 'close')));
  for (const { child, output } of programs) {
    expect(output()).toContain('Name the certificate of that authority in QRCAST_REDIS_CA');
    expect(output()).not.toContain(new URL(redis.url).password);
    expect(child.exitCode).toBe(1);
  }
});
