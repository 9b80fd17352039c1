/**
 * `first`: how long it takes from the connect of a first viewer to the request at the provider.
 * This includes handshake, ticket, subscription, queue, worker and HTTP. The sessions are measured
 * one after the other, and none was polled before. A bare HTTP request to the same provider is
 * compared.
 */

import { createTickets } from '@qrcast/gateway/auth/tickets';
import { instanceKeyOf, sealCredentials } from '@qrcast/runtime/keyring/credentials-vault';
import { createKeyring } from '@qrcast/runtime/keyring/keyring';
import { openNode } from '@qrcast/runtime/node';
import type { Releasers } from '@qrcast/runtime/releasers';
import { request } from 'undici';
import type { BenchConfig } from './config.ts';
import { monotonicMs, spreadOf } from './measure.ts';
import { openMeteredRedis } from './metered-redis.ts';
import type { BenchResult } from './result.ts';
import { openRoleFor } from './role.ts';
import type { GatewayMethods } from './roles/gateway.ts';
import type { ProviderMethods } from './roles/provider.ts';
import type { WorkerMethods } from './roles/worker.ts';
import { apiTokenOf } from './seed.ts';
import {
  createSystem,
  GATEWAY_FLAGS,
  LONG_MS,
  NAMESPACE,
  newSession,
  nodeOptions,
  type System,
  secretKeys,
  TENANT,
  WORKER_FLAGS,
} from './system.ts';
import { openViewerSocket } from './viewer-socket.ts';

const TARGET_P99_MS = 100;
const FIRST_INSTANCE = 1_101_000_000;
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
  const tickets = await makeSessions(system, config.firsts, url, releasers);
  progress('first: watching them, one after the other');
  const firsts: number[] = [];
  const bares: number[] = [];
  for (const [index, ticket] of tickets.entries()) {
    const startedAt = monotonicMs();
    const viewer = await openViewerSocket({ url: gatewayUrl, auth: { ticket }, onState: () => undefined });
    firsts.push((await provider.call('firstAskOf', FIRST_INSTANCE + index)) - startedAt);
    viewer.close();
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

async function makeSessions(system: System, count: number, upstream: string, releasers: Releasers): Promise<readonly string[]> {
  const node = await openNode(nodeOptions(system, 'seed'));
  releasers.push('seed', () => node.close());
  const keyring = createKeyring(secretKeys(system));
  const tickets = createTickets({ redis: node.redis, namespace: NAMESPACE, keyring, clock: node.clock });
  const issued: string[] = [];
  for (let index = 0; index < count; index++) {
    const secret = { apiUrl: upstream, apiToken: apiTokenOf(index) };
    const session = newSession(index, instanceKeyOf(String(FIRST_INSTANCE + index), secret), node.clock.now());
    await node.sessions.create(session, sealCredentials(keyring, session.id, secret));
    const fields = { tenantId: TENANT, sessionId: session.id, scopes: ['view'], origins: [], expiresAt: Date.now() + LONG_MS } as const;
    issued.push((await tickets.issue(fields)).ticket);
  }
  return issued;
}
