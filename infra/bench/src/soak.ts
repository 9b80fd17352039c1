/**
 * `soak`: does anything grow? A gateway, a worker and Redis under a load of about half of the
 * machine, for an hour: waiting sessions with codes, viewers that come and go, logins from the API
 * call to `connected`. A sample is taken every 30 s, after a collection.
 */

import type { Releasers } from '@qrcast/runtime/releasers';
import { Redis } from 'ioredis';
import type { BenchConfig } from './config.ts';
import { openMeteredRedis } from './metered-redis.ts';
import { until } from './pace.ts';
import type { BenchResult } from './result.ts';
import { openRoleFor } from './role.ts';
import type { ApiGatewayMethods } from './roles/api-gateway.ts';
import type { CodeProviderMethods } from './roles/code-provider.ts';
import type { PublisherMethods } from './roles/publisher.ts';
import type { SoakViewersMethods } from './roles/soak-viewers.ts';
import type { SoakWorkerMethods } from './roles/soak-worker.ts';
import { seedSessions } from './seed.ts';
import { createSoakLogins, type SoakLogins } from './soak-logins.ts';
import { reportSoak } from './soak-report.ts';
import { createSampler, type SoakParts, type SoakSample } from './soak-sample.ts';
import { createSystem, GATEWAY_FLAGS, INTERVAL_MS, TENANT, WORKER_FLAGS } from './system.ts';

const CODES = 256;
/** Sessions with a viewer each, and as many that wait without one at this gateway. */
const WATCHED = 1_000;
const UNWATCHED = 1_000;
const CHURN_PER_SECOND = 5;
const SAMPLE_SECONDS = 30;
const SETTLE_MS = 5_000;
const EXPOSED = '--expose-gc';

interface Soak {
  readonly parts: SoakParts;
  readonly logins: SoakLogins;
}

export async function runSoak(
  config: BenchConfig,
  path: string,
  releasers: Releasers,
  progress: (text: string) => void,
): Promise<BenchResult> {
  progress(`soak: ${WATCHED + UNWATCHED} waiting sessions, ${WATCHED} viewers`);
  const { parts, logins } = await openSoak(config, path, releasers);
  await parts.viewers.call('churn', CHURN_PER_SECOND);
  const sample = await createSampler(parts);
  const samples: SoakSample[] = [];
  const startedAt = performance.now();
  for (let count = Math.ceil((config.soakMinutes * 60) / SAMPLE_SECONDS); count > 0; count--) {
    progress(`soak: ${(count * SAMPLE_SECONDS) / 60} minutes to go`);
    await Promise.all([parts.publisher.call('publish', config.soakRate, SAMPLE_SECONDS, false), logins.run(SAMPLE_SECONDS)]);
    samples.push(await sample((performance.now() - startedAt) / 60_000));
  }
  return reportSoak(config, samples, { ...(await parts.viewers.call('counts')), ...logins.counts() });
}

async function openSoak(config: BenchConfig, path: string, releasers: Releasers): Promise<Soak> {
  const provider = await openRoleFor<CodeProviderMethods>(releasers, 'code-provider');
  const { url: upstream } = await provider.call('start', CODES);
  await provider.call('answerAfter', config.answerMs);
  const redis = await openMeteredRedis(path);
  releasers.push('redis', () => redis.close());
  const system = createSystem(redis.url);
  const gateway = await openRoleFor<ApiGatewayMethods>(releasers, 'api-gateway', { ...config, nodeFlags: [...GATEWAY_FLAGS, EXPOSED] });
  const worker = await openRoleFor<SoakWorkerMethods>(releasers, 'soak-worker', { ...config, nodeFlags: [...WORKER_FLAGS, EXPOSED] });
  const publisher = await openRoleFor<PublisherMethods>(releasers, 'publisher');
  const viewers = await openRoleFor<SoakViewersMethods>(releasers, 'soak-viewers');
  const access = await gateway.call('start', system, upstream, 'stub');
  await worker.call('start', system, upstream);
  const tickets = await publisher.call('start', system, WATCHED, upstream);
  await viewers.call('connect', access.url.replace(/^http/, 'ws'), tickets);
  const { firstAt } = await seedSessions(system, { count: UNWATCHED, from: WATCHED, upstream, tenantId: TENANT });
  await until(firstAt + INTERVAL_MS + SETTLE_MS);
  const asking = new Redis(redis.url);
  releasers.push('asking', async () => asking.disconnect());
  const logins = createSoakLogins({ access, provider, viewers, upstream });
  const countKeys = async (): Promise<number> => (await asking.dbsize()) - logins.counts().connected;
  return { parts: { gateway, worker, redis, provider, publisher, viewers, countKeys }, logins };
}
