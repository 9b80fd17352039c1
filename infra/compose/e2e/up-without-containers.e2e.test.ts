/**
 * Everything that compose.yaml starts, except Grafana, started on this machine by the same commands
 * and settings: people log in through the proxy, and Prometheus scrapes all four processes. It needs
 * Debian's `redis-server`, `caddy` and `prometheus`, and is skipped without one of them.
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { watchSession } from '@qrcast/client';
import { freePort } from '@qrcast/runtime/redis/free-port';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const SOURCES = fileURLToPath(new URL('../src/', import.meta.url));
const DOCTOR = fileURLToPath(new URL('../../image/src/qrcast.ts', import.meta.url));
const missing = ['redis-server', 'caddy', 'prometheus', 'openssl'].filter((name) => spawnSync(name, ['--version']).error !== undefined);
if (missing.length > 0)
  process.stderr.write(`skipped: there is no ${missing.join(', ')} here. On Debian: apt-get install redis caddy prometheus\n`);

/** What this test reads of the answers. */
interface Answer {
  readonly status: number;
  readonly apiKey?: string;
  readonly ticket?: string;
  readonly session?: { readonly id: string; readonly state: string };
}

describe.skipIf(missing.length > 0)('what compose.yaml starts, without containers', () => {
  let folder: string;
  let proxy: string;
  let prometheus: string;
  let simulator: string;
  let output = '';
  let stop: () => Promise<number | null>;
  let acme: { readonly apiKey: string; readonly sessionId: string };
  const secret = (name: string): string => readFileSync(join(folder, 'secrets', name), 'utf8');

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'qrcast-compose-'));
    spawnSync(process.execPath, [join(SOURCES, 'make-secrets.ts'), folder]);
    const [http, https, metrics, simulated] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
    proxy = `http://127.0.0.1:${http}`;
    prometheus = `http://127.0.0.1:${metrics}`;
    simulator = `https://127.0.0.1:${simulated}`;
    const changes: Record<string, string> = {
      QRCAST_PUBLIC_URL: proxy,
      QRCAST_HTTP: `127.0.0.1:${http}`,
      QRCAST_HTTPS: `127.0.0.1:${https}`,
      QRCAST_PROMETHEUS: `127.0.0.1:${metrics}`,
      QRCAST_SIMULATOR: `127.0.0.1:${simulated}`,
      COMPOSE_PROFILES: 'simulator',
      QRCAST_UPSTREAM_HOSTS: 'https://simulator:4443',
      QRCAST_EXTRA_CA: '/etc/qrcast/simulator.pem',
    };
    const lines = Object.entries(changes).map(([name, value]) => `${name}=${value}`);
    writeFileSync(join(folder, '.env'), `${readFileSync(join(folder, '.env'), 'utf8')}${lines.join('\n')}\n`);
    await up();
  });
  afterAll(async () => {
    await stop?.();
    rmSync(folder, { recursive: true, force: true });
  });

  async function up(): Promise<void> {
    output = '';
    const child = spawn(process.execPath, [join(SOURCES, 'up-without-containers.ts'), folder], { stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = once(child, 'exit').then(([status]: (number | null)[]) => status ?? null);
    const isUp = Promise.withResolvers<void>();
    const keep = (text: string): void => {
      output += text;
      if (output.includes('everything is up')) isUp.resolve();
    };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', keep);
    stop = () => {
      child.kill('SIGTERM');
      return ended;
    };
    await Promise.race([isUp.promise, ended.then(() => expect.unreachable(`it ended:\n${output.slice(-3_000)}`))]);
  }

  /** The simulator's certificate is one that nothing else trusts. */
  async function simulate(method: string, path: string): Promise<unknown> {
    const call = request(`${simulator}${path}`, { method, agent: new Agent({ ca: secret('simulator-certificate') }) }).end();
    const [answer] = await once(call, 'response');
    return JSON.parse(await readText(answer));
  }
  async function call(method: string, path: string, key: string, body?: object): Promise<Answer> {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const answer = await fetch(`${proxy}${path}`, { method, headers, body: body === undefined ? null : JSON.stringify(body) });
    return { status: answer.status, ...((await answer.json()) as object) } as Answer;
  }

  it('leaves out Grafana alone', () => {
    expect([...output.matchAll(/^(\S+) is left out/gm)].map(([, name]) => name)).toEqual(['grafana']);
    for (const name of ['redis', 'gateway1', 'gateway2', 'worker1', 'worker2', 'proxy', 'prometheus', 'simulator-tls'])
      expect(output).toContain(`${name} is healthy`);
  });

  it('logs people in through the proxy', async () => {
    const { apiKey } = await call('POST', '/v1/admin/tenants', secret('admin-key'), { id: 'acme', name: 'Acme' });
    const { idInstance, apiToken } = (await simulate('POST', '/control/instances')) as Record<string, string>;
    const created = await call('POST', '/v1/sessions', apiKey ?? '', { instanceId: idInstance, apiToken, apiUrl: simulator });
    expect(created).toMatchObject({ status: 201, pageUrl: expect.stringContaining(proxy) });
    acme = { apiKey: apiKey ?? '', sessionId: created.session?.id ?? '' };
    const watches = [1, 2, 3].map(() => watchSession({ url: proxy, ticket: created.ticket ?? '' }));
    const states = () => watches.map((watch) => watch.snapshot.session?.state);
    await expect.poll(states).toEqual(['showing', 'showing', 'showing']);
    await simulate('POST', `/control/instances/${idInstance}/scan`);
    await expect.poll(states).toEqual(['connected', 'connected', 'connected']);
    for (const watch of watches) watch.close();
  });

  it('keeps health and readiness from the public', async () => {
    for (const path of ['/healthz', '/readyz']) expect((await fetch(`${proxy}${path}`)).status).toBe(404);
  });

  it('lets Prometheus scrape all four processes, with the alerts loaded', async () => {
    const ask = async (path: string): Promise<unknown> =>
      ((await (await fetch(`${prometheus}/api/v1/${path}`)).json()) as { data: unknown }).data;
    const ready = async (): Promise<number> =>
      ((await ask(`query?query=${encodeURIComponent('qrcast_ready{job="qrcast"} == 1')}`)) as { result: unknown[] }).result.length;
    await expect.poll(ready).toBe(4);
    expect(((await ask('rules')) as { groups: unknown[] }).groups.length).toBeGreaterThan(0);
  });

  it('writes no secret', () => {
    for (const name of ['admin-key', 'metrics-token', 'secret-keys', 'redis-url']) expect(output).not.toContain(secret(name));
  });

  it('lets the doctor find nothing wrong, also through the proxy', async () => {
    const files = join(folder, '.qrcast', 'files', 'gateway1');
    const env = {
      PATH: process.env['PATH'],
      REDIS_URL_FILE: join(files, 'redis-url'),
      QRCAST_SECRET_KEYS_FILE: join(files, 'secret-keys'),
      QRCAST_PUBLIC_URL: proxy,
      QRCAST_UPSTREAM_HOSTS: simulator,
      NODE_EXTRA_CA_CERTS: join(folder, 'secrets', 'simulator-certificate'),
    };
    const doctor = spawn(process.execPath, [DOCTOR, 'doctor', '--json'], { env });
    const told = JSON.parse(await readText(doctor.stdout)) as { faults: number; findings: { id: string; level: string; found: string }[] };
    expect(told.findings.filter(({ level }) => level === 'fault' || level === 'warning')).toEqual([]);
    expect(told.findings).toContainEqual(expect.objectContaining({ id: 'public-address', level: 'ok' }));
  });

  it('drains and stops in order, also with a viewer', async () => {
    const headers = { authorization: `Bearer ${acme.apiKey}` };
    const viewer = await fetch(`${proxy}/v1/sessions/${acme.sessionId}/events`, { headers });
    expect(viewer.status).toBe(200);
    expect(await stop()).toBe(0);
    expect(output).toContain('everything has stopped');
    for (const role of ['gateway1', 'worker1']) expect(output).toMatch(new RegExp(`${role} \\| .*"msg":"stopped"`));
  });

  it('finds everything again when it is started again', async () => {
    await up();
    expect(await call('GET', `/v1/sessions/${acme.sessionId}`, acme.apiKey)).toMatchObject({
      status: 200,
      session: { id: acme.sessionId, state: 'connected' },
    });
    expect(output).not.toContain('NOPERM');
  });
});
