/** For tests: two gateways in this process, behind an example of `infra/proxies`. */

import { openTestGateway, type TestGateway, type TestGatewayOptions } from '@qrcast/gateway/test/gateway';
import type { Releasers } from '@qrcast/runtime/releasers';
import { openRecordingClient, type RecordingClient, STICKY_TRANSPORTS, TRANSPORTS } from './recording-client.ts';

/** What people use, and Socket.IO that polls. */
export const EVERY_TRANSPORT = [...TRANSPORTS, ...STICKY_TRANSPORTS];

export interface GatewayPair {
  readonly first: TestGateway;
  readonly ports: readonly [number, number];
}

/** Their proxy connects from this machine, and is trusted. */
export async function openGatewayPair(releasers: Releasers, options: TestGatewayOptions = {}): Promise<GatewayPair> {
  const given = { ...options, trustedProxies: ['127.0.0.1'] };
  const first = await openTestGateway(given);
  releasers.push('first gateway', () => first.close());
  const second = await openTestGateway({ ...given, namespace: first.namespace });
  releasers.push('second gateway', () => second.close());
  return { first, ports: [first.gateway.port, second.gateway.port] };
}

/** One session, and a viewer over each transport. Resolves once all of them are told its first code. */
export async function openAudience(releasers: Releasers, { first }: GatewayPair, url: string): Promise<Audience> {
  const { session, ticket } = await first.create();
  const viewers = EVERY_TRANSPORT.map((transport) => openRecordingClient({ transport, ticket, urls: [url] }));
  for (const viewer of viewers) releasers.push('viewer', () => viewer.close());
  await Promise.all(viewers.map(({ untilHeard }) => untilHeard('session')));
  const audience = {
    viewers,
    async show(name: string): Promise<void> {
      const { version } = await first.showCode(session.id, name);
      await Promise.all(viewers.map(({ until }) => until((told) => told.version >= version && told.state === 'showing')));
    },
  };
  await audience.show('AAAA');
  return audience;
}

export interface Audience {
  readonly viewers: readonly RecordingClient[];
  /** Resolves once all viewers are told it. */
  show(name: string): Promise<void>;
}
