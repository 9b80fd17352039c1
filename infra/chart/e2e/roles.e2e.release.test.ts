/**
 * The roles and the pod of `helm test`, as helm made them, started on this machine without containers.
 * It needs a real Redis and helm, and is skipped without helm.
 */

import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@qrcast/runtime/redis/free-port';
import { findRedisProgram, openRedisServer, type RedisServer } from '@qrcast/runtime/redis/redis-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Machine, type Running, runContainer } from '../test/containers.ts';
import { findHelm, type Helm } from '../test/helm.ts';
import type { Container } from '../test/kinds.ts';
import { deployment, ofKind, podOf, type Rendered, render } from '../test/rendered.ts';

const found = findHelm();
const PROBES = ['startupProbe', 'livenessProbe', 'readinessProbe'] as const;
type Role = 'gateway' | 'worker';

describe.skipIf(found === null)('what helm renders, without containers', () => {
  const helm = found as Helm; // else it is skipped
  const secret = (): string => randomBytes(32).toString('hex');
  const token = secret();
  let folder: string;
  let redis: RedisServer;
  let objects: Rendered[];
  let simulator: Running;
  const machines = new Map<Role, Machine>();
  const roles = new Map<Role, Running>();

  const containerOf = (role: Role): Container => podOf(deployment(objects, role))?.containers[0] ?? expect.unreachable();
  const testContainer = (name: string): Container =>
    podOf(ofKind(objects, 'Pod')[0] ?? expect.unreachable())?.containers.find((one) => one.name === name) ?? expect.unreachable();
  const machineOf = (role: Role): Machine => machines.get(role) ?? expect.unreachable();
  /** A port of this machine by the name that it has in the pod. */
  const portOf = (role: Role, name: string): number => {
    const rendered = containerOf(role).ports?.find((port) => port.name === name)?.containerPort ?? expect.unreachable();
    return machineOf(role).ports[rendered] ?? expect.unreachable();
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'qrcast-chart-'));
    mkdirSync(join(folder, 'redis'));
    const program = findRedisProgram(process.env['PATH'] ?? '') ?? 'redis-server';
    redis = await openRedisServer({ program, folder: join(folder, 'redis'), persistent: true });
    const secrets = {
      'redis-url': redis.url,
      'secret-keys': `k1:${randomBytes(32).toString('base64')}`,
      'admin-key': secret(),
      'metrics-token': token,
    };
    for (const [name, text] of Object.entries(secrets)) writeFileSync(join(folder, name), text, { mode: 0o400 });
    const [http, simulated] = await Promise.all([freePort(), freePort()]);
    objects = render(helm, 'highly-available', [
      `publicUrl=http://127.0.0.1:${http}`,
      `settings.QRCAST_UPSTREAM_HOSTS=http://127.0.0.1:${simulated}`,
      'shutdown.drainSeconds=1',
    ]);
    const services = { 'acme-qrcast-gateway:80': `127.0.0.1:${http}` };
    simulator = runContainer(
      { name: 'simulator', image: '', args: ['simulator'], env: [{ name: 'SIMULATOR_PORT', value: String(simulated) }] },
      { secrets: folder, ports: {}, services },
    );
    for (const role of ['gateway', 'worker'] as const) {
      machines.set(role, {
        secrets: folder,
        ports: { 3000: role === 'gateway' ? http : await freePort(), 9464: await freePort() },
        services,
      });
      roles.set(role, runContainer(containerOf(role), machineOf(role)));
    }
  });
  afterAll(async () => {
    const all = [...roles.values(), ...(simulator === undefined ? [] : [simulator])];
    for (const one of all) one.kill('SIGKILL');
    await Promise.all(all.map(({ ended }) => ended));
    await redis?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const statusOf = async (url: string, headers: Record<string, string> = {}): Promise<number> =>
    fetch(url, { headers }).then(
      ({ status }) => status,
      () => 0, // nobody listens yet
    );

  it.each(['gateway', 'worker'] as const)('a %s answers its probes at the ports and paths that they name', async (role) => {
    for (const name of PROBES) {
      const { path, port } = (containerOf(role)[name] as { httpGet: { path: string; port: string } }).httpGet;
      await expect.poll(() => statusOf(`http://127.0.0.1:${portOf(role, port)}${path}`)).toBe(200);
    }
  });

  it.each(['gateway', 'worker'] as const)('a %s has metrics at their own port alone, for whoever has the token', async (role) => {
    const url = `http://127.0.0.1:${portOf(role, 'metrics')}/metrics`;
    expect(await statusOf(url, { authorization: `Bearer ${token}` })).toBe(200);
    expect(await statusOf(url)).toBe(401);
    expect(await statusOf(`http://127.0.0.1:${portOf(role, 'http')}/metrics`, { authorization: `Bearer ${token}` })).toBe(404);
  });

  it('the pod of `helm test` finds that all is well', async () => {
    const ended = await Promise.all(['ready', 'doctor'].map((name) => runContainer(testContainer(name), machineOf('gateway')).ended));
    for (const { status, output } of ended) expect(status, output).toBe(0);
  });

  it('each stops in order when it is told to', async () => {
    for (const role of roles.values()) role.kill('SIGTERM');
    for (const { ended } of roles.values())
      expect(await ended).toMatchObject({ status: 0, output: expect.stringContaining('"msg":"stopped"') });
  });

  it('the pod of `helm test` fails where no gateway is', async () => {
    const { status, output } = await runContainer(testContainer('ready'), machineOf('gateway')).ended;
    expect(status, output).toBe(1);
  });

  it.each(['gateway', 'worker'] as const)('a %s does not start with a Secret that lacks a key', async (role) => {
    rmSync(join(folder, 'redis-url'), { force: true });
    const { status, output } = await runContainer(containerOf(role), machineOf(role)).ended;
    expect(status).toBe(1);
    expect(output).toContain('REDIS_URL_FILE');
  });
});
