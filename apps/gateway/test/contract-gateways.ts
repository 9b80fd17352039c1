/**
 * For tests: gateways that together can give every answer of the OpenAPI document, before a
 * provider that answers as it is told.
 */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import { openTestProxy } from '@qrcast/runtime/test/proxy';
import { inject } from 'vitest';
import { openTestGateway, type TestGateway, type TestGatewayOptions } from './gateway.ts';

/** Half of it is longer than the slowest machine takes for all answers. */
const DRAIN_MS = 1_200_000;

export interface ContractGateways {
  readonly apiUrl: string;
  /** What the provider answers from now on. */
  providerSays(answer: unknown): void;
  readonly test: TestGateway;
  /** Serves the same sessions, but its operator allows no provider host. */
  readonly strict: TestGateway;
  /** Serves the same sessions and the console, and knows its public address. */
  readonly known: TestGateway;
  /** A gateway for which one call without a credential is too many. */
  readonly guarded: TestGateway;
  /** Drains until it is closed. */
  readonly leaving: TestGateway;
  /** A gateway that cannot reach Redis. */
  readonly stranded: TestGateway;
  close(): Promise<void>;
}

export async function openContractGateways(): Promise<ContractGateways> {
  const releasers = createReleasers();
  const provider = await openProvider(releasers);
  const upstreamHosts = [provider.apiUrl];
  async function open(options: TestGatewayOptions): Promise<TestGateway> {
    const gateway = await openTestGateway(options);
    releasers.push('gateway', () => gateway.close());
    return gateway;
  }

  const test = await open({ upstreamHosts });
  const { namespace } = test;
  const strict = await open({ namespace, upstreamHosts: [] });
  const known = await open({ namespace, upstreamHosts, publicUrl: 'https://qrcast.example.com', settingsReadBackMs: 0, hasConsole: true });
  const guarded = await open({ addressLimits: { handshakesPerAddressPerMinute: 1, failuresPerAddressPerMinute: 1 } });
  const leaving = await openLeaving(releasers);
  const stranded = await openStranded(releasers);
  return { ...provider, test, strict, known, guarded, leaving, stranded, close: () => releasers.release() };
}

async function openProvider(releasers: Releasers): Promise<Pick<ContractGateways, 'apiUrl' | 'providerSays'>> {
  let says: unknown;
  const provider = createServer((_request, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(says)),
  );
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  releasers.push('provider', () => new Promise((resolve) => provider.close(() => resolve())));
  return {
    apiUrl: `http://127.0.0.1:${(provider.address() as AddressInfo).port}`, // it listens on TCP
    providerSays(answer) {
      says = answer;
    },
  };
}

async function openLeaving(releasers: Releasers): Promise<TestGateway> {
  const leaving = await openTestGateway();
  const { ticket } = await leaving.create({ apiUrl: undefined });
  // The first viewer is told to leave at once, the second after half of the drain.
  await Promise.all([leaving.view(ticket), leaving.view(ticket)].map((viewer) => viewer.until('session')));
  const stopping = leaving.gateway.close(DRAIN_MS);
  releasers.push('leaving', async () => {
    await leaving.close();
    await stopping;
  });
  return leaving;
}

async function openStranded(releasers: Releasers): Promise<TestGateway> {
  const redisUrl = new URL(inject('serverUrl'));
  const proxy = await openTestProxy(Number(redisUrl.port));
  releasers.push('proxy', () => proxy.close());
  redisUrl.port = String(proxy.port);
  const stranded = await openTestGateway({ redisUrl: redisUrl.href });
  releasers.push('stranded', async () => {
    proxy.refuse(false);
    await stranded.close();
  });
  proxy.refuse(true);
  proxy.cut();
  return stranded;
}
