/**
 * `first`: how long it takes from the connect of a first viewer to the request at the provider.
 * This includes handshake, ticket, subscription, queue, worker and HTTP. The sessions are measured
 * one after the other, and none was polled before. A bare HTTP request to the same provider is
 * compared.
 */

import type { Releasers } from '@qrcast/runtime/releasers';
import { request } from 'undici';
import type { BenchConfig } from './config.ts';
import { monotonicMs, spreadOf } from './measure.ts';
import { openMeteredRedis } from './metered-redis.ts';
import type { BenchResult } from './result.ts';
import { openRoleFor, type Role } from './role.ts';
import type { GatewayMethods } from './roles/gateway.ts';
import type { ProviderMethods } from './roles/provider.ts';
import type { WorkerMethods } from './roles/worker.ts';
import { apiTokenOf, FIRST_INSTANCE, seedUnwatched } from './seed.ts';
import { createSystem, GATEWAY_FLAGS, TENANT, WORKER_FLAGS } from './system.ts';
import { openViewerSocket, type ViewerOptions } from './viewer-socket.ts';

const TARGET_P99_MS = 100;
const FIRST_BARE_INSTANCE = 2_202_000_000;

export async function runFirst(
  config: BenchConfig,
  path: string,
  releasers: Releasers,
  progress: (text: string) => void,
): Promise<BenchResult> {
  const provider = await openRoleFor<ProviderMethods>(releasers, 'provider');
  const { url } = await provider.call('start', config.answerMs);
  const redis = await openMeteredRedis(path);
  releasers.push('redis', () => redis.close());
  const system = createSystem(redis.url);
  const worker = await openRoleFor<WorkerMethods>(releasers, 'worker', { ...config, nodeFlags: WORKER_FLAGS });
  await worker.call('start', system, [url]);
  const gateway = await openRoleFor<GatewayMethods>(releasers, 'gateway', { ...config, nodeFlags: GATEWAY_FLAGS });
  const { url: gatewayUrl } = await gateway.call('start', system);

  progress(`first: making ${config.firsts} sessions`);
  const tickets = await seedUnwatched(system, { count: config.firsts, from: 0, upstream: url, tenantId: TENANT });
  progress('first: watching them, one after the other');
  const firsts: number[] = [];
  const bares: number[] = [];
  for (const [index, ticket] of tickets.entries()) {
    firsts.push(await measureFirst({ url: gatewayUrl, ticket }, provider, FIRST_INSTANCE + index));
    const bareAt = monotonicMs();
    await (await request(`${url}/waInstance${FIRST_BARE_INSTANCE + index}/qr/${apiTokenOf(index)}`)).body.dump();
    bares.push((await provider.call('firstAskOf', FIRST_BARE_INSTANCE + index)) - bareAt);
  }
  const [ours, bare] = [spreadOf(firsts), spreadOf(bares)];
  return {
    title: `first: ${config.firsts} sessions, each watched for the first time; 1 gateway, 1 worker`,
    rows: [
      { what: "a first viewer's connect to the provider's request, p50", unit: 'ms', ours: ours.p50, others: [bare.p50] },
      { what: "a first viewer's connect to the provider's request, p99", unit: 'ms', ours: ours.p99, others: [bare.p99] },
      { what: "a first viewer's connect to the provider's request, max", unit: 'ms', ours: ours.max, others: [bare.max] },
    ],
    targets: [{ what: 'first viewer to request, p99', measured: ours.p99, unit: 'ms', most: TARGET_P99_MS }],
    notes: ['bare: one HTTP request straight to the provider'],
  };
}

/**
 * @returns from the first byte of the connection of a viewer to the receipt of the first request for
 * its instance by the provider, ms
 */
export async function measureFirst(
  viewer: Pick<ViewerOptions, 'url' | 'over'> & { readonly ticket: string },
  provider: Role<ProviderMethods>,
  instance: number,
): Promise<number> {
  const { ticket, ...rest } = viewer;
  const startedAt = monotonicMs();
  const socket = await openViewerSocket({ ...rest, auth: { ticket }, onState: () => undefined });
  const askedAt = await provider.call('firstAskOf', instance);
  socket.close();
  return askedAt - startedAt;
}
