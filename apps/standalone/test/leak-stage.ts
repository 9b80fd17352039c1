/**
 * For tests: the whole product as an operator runs it, in processes of its own with the most
 * verbose logs. Everything around it is recorded: an access log before each gateway, Redis, a
 * browser, a tenant's server, and callers over every transport.
 */

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseKeyring, type RingKey } from '@qrcast/runtime/keyring/keyring';
import { findRedisProgram, openRedisServer } from '@qrcast/runtime/redis/redis-server';
import type { Releasers } from '@qrcast/runtime/releasers';
import { openTestProxy, type TestProxy } from '@qrcast/runtime/test/proxy';
import { openTestReceiver, type TestReceiver } from '@qrcast/runtime/test/receiver';
import { openSimulator, type Simulator } from '@qrcast/simulator/simulator';
import { type AccessLog, openAccessLog } from './access-log.ts';
import { openBrowser } from './browser.ts';
import { type Answer, type Callers, type CallOptions, createCallers } from './callers.ts';
import { TEST_POLICY } from './cluster.ts';
import { type EchoingProvider, openEchoingProvider } from './echoing-provider.ts';
import { openRedisEvidence, type RedisEvidence } from './evidence-redis.ts';
import type { LeakHunt } from './leak-hunt.ts';
import { type ManyHosts, openManyHosts } from './many-hosts.ts';
import { type Environment, type Program, spawnRole } from './role-process.ts';
import { openTraceReceiver, type TraceReceiver } from './trace-receiver.ts';
import { openTracing } from './traced-roles.ts';

export const NAMESPACE = 'qrcast';

/** The operator's secrets, and the processes that get them. */
interface Operator {
  readonly adminKey: string;
  readonly secretKeys: string;
  readonly ring: readonly RingKey[];
  readonly redisPassword: string;
  readonly metricsToken: string;
  readonly gatewayEnv: Environment;
}

export interface LeakStage {
  readonly hunt: LeakHunt;
  readonly operator: Operator;
  readonly callers: Callers;
  readonly simulator: Simulator;
  readonly echoing: EchoingProvider;
  readonly manyHosts: ManyHosts;
  readonly receiver: TestReceiver;
  /** What the processes export their spans to. */
  readonly collector: TraceReceiver;
  readonly redis: RedisEvidence;
  /** The direct address, without the proxy that can be cut. */
  readonly redisUrl: string;
  readonly redisProxy: TestProxy;
  readonly browser: Awaited<ReturnType<typeof openBrowser>>;
  /** The proxies before the two gateways. Callers use their addresses. */
  readonly accessLogs: readonly [AccessLog, AccessLog];
  readonly programs: ReadonlyMap<string, Program>;
  start(name: string, role: 'gateway' | 'worker', env: Environment): Program;
  /** Reads go to one gateway, and all other calls to the other. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  untilReady(): Promise<void>;
}

/** Everything it opens is pushed to `releasers`. */
async function keep<T extends { close(): void | Promise<void> }>(releasers: Releasers, opening: T | Promise<T>): Promise<T> {
  const opened = await opening;
  releasers.push('a part of the stage', async () => opened.close());
  return opened;
}

export async function openLeakStage(hunt: LeakHunt, releasers: Releasers): Promise<LeakStage> {
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-leaks-'));
  releasers.push('folder', () => rm(folder, { recursive: true, force: true }));
  const program = findRedisProgram(process.env['PATH'] ?? '') ?? 'redis-server';
  const { url: redisUrl } = await keep(releasers, openRedisServer({ program, folder, persistent: false }));
  const around = await openSurroundings(redisUrl, releasers);
  const tracing = await openTracing(around.collector.url, releasers);
  const ports = [0, 0];
  const openLogOf = (gateway: number) =>
    keep(
      releasers,
      openAccessLog(() => ports[gateway] ?? 0),
    );
  const accessLogs = [await openLogOf(0), await openLogOf(1)] as const;
  const programs = new Map<string, Program>();
  function start(name: string, role: 'gateway' | 'worker', env: Environment): Program {
    const started = spawnRole(role, { ...env, ...tracing.env, OTEL_SERVICE_NAME: name }, tracing.args);
    programs.set(name, started);
    releasers.push(name, () => started.stop());
    return started;
  }

  const { operator, workerEnv } = createOperator(hunt, { ...around, redisUrl, publicUrl: accessLogs[0].url });
  const gateways = [start('gateway a', 'gateway', operator.gatewayEnv), start('gateway b', 'gateway', operator.gatewayEnv)];
  const worker = start('worker', 'worker', workerEnv);
  for (const [i, gateway] of gateways.entries()) ports[i] = Number((await gateway.until(/"port":(\d+).*gateway listens/))[1]);
  await worker.until(/worker is up/);

  const stage: LeakStage = {
    hunt,
    operator,
    ...around,
    redisUrl,
    accessLogs,
    programs,
    start,
    call: (method, path, options) => around.callers.call(method, `${accessLogs[method === 'GET' ? 1 : 0].url}${path}`, options),
    async untilReady() {
      for (const { url } of accessLogs) while ((await fetch(`${url}/readyz`)).status !== 200);
    },
  };
  await stage.untilReady();
  return stage;
}

type Surroundings = Pick<
  LeakStage,
  'redis' | 'redisProxy' | 'simulator' | 'echoing' | 'manyHosts' | 'receiver' | 'collector' | 'callers' | 'browser'
>;

async function openSurroundings(redisUrl: string, releasers: Releasers): Promise<Surroundings> {
  return {
    redis: await keep(releasers, openRedisEvidence(redisUrl)),
    redisProxy: await keep(releasers, openTestProxy(Number(new URL(redisUrl).port))),
    simulator: await keep(releasers, openSimulator({ rotateMs: 600_000 })), // so that the code in Redis is the recorded one
    echoing: await keep(releasers, openEchoingProvider()),
    manyHosts: await keep(releasers, openManyHosts()),
    receiver: await keep(releasers, openTestReceiver()),
    collector: await keep(releasers, openTraceReceiver()),
    callers: await keep(releasers, createCallers()),
    browser: await keep(releasers, openBrowser()),
  };
}

type Reached = Pick<LeakStage, 'redisProxy' | 'simulator' | 'echoing' | 'manyHosts' | 'receiver' | 'redisUrl'> & {
  readonly publicUrl: string;
};

/** @param around what the roles reach, and the address where they are reached */
function createOperator(hunt: LeakHunt, around: Reached): { readonly operator: Operator; readonly workerEnv: Environment } {
  const secretKeys = ['k2', 'k1'].map((id) => `${id}:${randomBytes(32).toString('base64')}`).join();
  const ring = parseKeyring(secretKeys);
  const adminKey = randomBytes(24).toString('hex');
  const metricsToken = randomBytes(24).toString('hex');
  const redisUrl = new URL(around.redisUrl);
  redisUrl.port = String(around.redisProxy.port);
  hunt.add('the Redis password', redisUrl.password);
  hunt.add('the admin key', adminKey);
  hunt.add('the metrics token', metricsToken);
  for (const { id, key } of ring) hunt.add(`secret key ${id}`, key);
  const workerEnv = {
    PORT: '0',
    REDIS_URL: redisUrl.href,
    QRCAST_SECRET_KEYS: secretKeys,
    QRCAST_UPSTREAM_HOSTS: [around.simulator.url, around.echoing.url, ...around.manyHosts.urls].join(),
    QRCAST_CALLBACK_HOSTS: around.receiver.url,
    QRCAST_POLL_INTERVAL_MS: String(TEST_POLICY.intervalMs),
    QRCAST_DRAIN_MS: '0',
    QRCAST_LOG_LEVEL: 'trace',
    QRCAST_METRICS_PORT: '0',
    QRCAST_METRICS_TOKEN: metricsToken,
    QRCAST_METRICS_TENANTS: 'acme',
  };
  const gatewayEnv = { ...workerEnv, QRCAST_ADMIN_KEY: adminKey, QRCAST_PUBLIC_URL: around.publicUrl, QRCAST_CONSOLE: 'on' };
  return { operator: { adminKey, secretKeys, ring, redisPassword: redisUrl.password, metricsToken, gatewayEnv }, workerEnv };
}
