/**
 * One worker and one gateway at about half of what the gateway can do: sessions with a viewer each,
 * which the worker polls, and a publisher that changes the states of others all the time.
 */

import type { Releasers } from '@qrcast/runtime/releasers';
import type { BenchConfig } from './config.ts';
import { latencies } from './deliveries.ts';
import { type MeteredRedis, openMeteredRedis } from './metered-redis.ts';
import { until } from './pace.ts';
import { openRoleFor, type Role } from './role.ts';
import type { CodeViewersMethods } from './roles/code-viewers.ts';
import type { GatewayMethods } from './roles/gateway.ts';
import type { PublisherMethods } from './roles/publisher.ts';
import type { TenantMethods } from './roles/tenant.ts';
import type { ViewersMethods } from './roles/viewers.ts';
import type { WorkerMethods } from './roles/worker.ts';
import { FIRST_INSTANCE, seedUnwatched } from './seed.ts';
import { createSystem, GATEWAY_FLAGS, INTERVAL_MS, type System, TENANT, WORKER_FLAGS } from './system.ts';

/** Whose states the publisher changes. Each has a viewer. */
const BACKGROUND_SESSIONS = 200;
const BACKGROUND_WARM_UP_SECONDS = 3;
/** In the first intervals the worker connects, loads and compiles everything. */
const WARM_UP_INTERVALS = 2;
const LAST_WITHIN_MS = 500;

export interface Tickets {
  readonly tickets: readonly string[];
  /** The instance of the first one. The others follow. */
  readonly from: number;
}

export interface LatencyStage {
  readonly redis: MeteredRedis;
  readonly worker: Role<WorkerMethods>;
  readonly gateway: Role<GatewayMethods>;
  readonly viewers: Role<CodeViewersMethods>;
  /** `ws://host:port` */
  readonly url: string;
  readonly webhookToken: string;
  /** Each has a viewer. */
  readonly polled: Tickets;
  /** Nobody has watched these sessions. */
  readonly notified: Tickets;
  readonly unwatched: Tickets;
  /** Does the work while the publisher changes states. Resolves to how long those took to their viewers, ms. */
  underLoad(seconds: number, work: () => Promise<void>): Promise<readonly number[]>;
}

export interface Sizes {
  readonly notified: number;
  readonly unwatched: number;
  /** So many instances were unwatched in earlier rounds. The provider knows when each was asked first. */
  readonly asked: number;
}

/** Resolves once the viewers are connected and everything is warm. */
export async function openLatencyStage(
  config: BenchConfig,
  path: string,
  releasers: Releasers,
  upstream: string,
  sizes: Sizes,
): Promise<LatencyStage> {
  const redis = await openMeteredRedis(path);
  releasers.push('redis', () => redis.close());
  const system = createSystem(redis.url);
  const tenant = await openRoleFor<TenantMethods>(releasers, 'tenant');
  const { webhookToken } = await tenant.call('create', system);
  await tenant.close();
  const gateway = await openRoleFor<GatewayMethods>(releasers, 'gateway', { ...config, nodeFlags: GATEWAY_FLAGS });
  const { url } = await gateway.call('start', system);
  const worker = await openRoleFor<WorkerMethods>(releasers, 'worker', { ...config, nodeFlags: WORKER_FLAGS });
  await worker.call('start', system, [upstream]);
  const underLoad = await openBackground(config, releasers, system, url, upstream);

  const seed = async (from: number, count: number): Promise<Tickets> => ({
    tickets: await seedUnwatched(system, { count, from, upstream, tenantId: TENANT }),
    from: FIRST_INSTANCE + from,
  });
  const polled = await seed(BACKGROUND_SESSIONS, config.sessions);
  const notified = await seed(BACKGROUND_SESSIONS + config.sessions, sizes.notified);
  const unwatched = await seed(BACKGROUND_SESSIONS + config.sessions + sizes.notified + sizes.asked, sizes.unwatched);
  const viewers = await openRoleFor<CodeViewersMethods>(releasers, 'code-viewers');
  // Within one interval, so that the polls are spread over it as well.
  await viewers.call('connect', url, polled.tickets, polled.from, 1, INTERVAL_MS / 1_000);
  await until(Date.now() + (WARM_UP_INTERVALS - 1) * INTERVAL_MS);
  await underLoad(BACKGROUND_WARM_UP_SECONDS, async () => undefined);
  return { redis, worker, gateway, viewers, url, webhookToken, polled, notified, unwatched, underLoad };
}

async function openBackground(
  { background }: BenchConfig,
  releasers: Releasers,
  system: System,
  url: string,
  upstream: string,
): Promise<LatencyStage['underLoad']> {
  const publisher = await openRoleFor<PublisherMethods>(releasers, 'publisher');
  const tickets = await publisher.call('start', system, BACKGROUND_SESSIONS, upstream);
  const viewers = await openRoleFor<ViewersMethods>(releasers, 'viewers');
  await viewers.call('connect', url, tickets, 'WebSocket');
  return async (seconds, work) => {
    await viewers.call('take');
    const [sent] = await Promise.all([publisher.call('publish', background, seconds, false), work()]);
    await until(Date.now() + LAST_WITHIN_MS);
    return latencies(sent, await viewers.call('take'));
  };
}
