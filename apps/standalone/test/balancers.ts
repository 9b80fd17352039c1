/**
 * For tests: two gateways behind a balancer that `infra/proxies/README.md` configures, and
 * Socket.IO clients that connect through it.
 */

import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { openTestGateway, type TestGateway } from '@qrcast/gateway/test/gateway';
import type { Releasers } from '@qrcast/runtime/releasers';
import { openTestProxy } from '@qrcast/runtime/test/proxy';
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import { startCaddy, startHaproxy, startNginx } from './proxies.ts';

const PAGE = readFileSync(new URL('../../../infra/proxies/README.md', import.meta.url), 'utf8');

export interface Gateways {
  readonly first: TestGateway;
  /** Replaces the documented addresses of the two gateways. */
  readonly ports: readonly [number, number];
  /** How many connections each gateway got. */
  readonly counts: readonly [number, number];
}

/** Each gateway is reached through a proxy that counts connections. */
export async function openGateways(releasers: Releasers): Promise<Gateways> {
  const first = await openTestGateway();
  releasers.push('first gateway', () => first.close());
  const second = await openTestGateway({ namespace: first.namespace });
  releasers.push('second gateway', () => second.close());
  const counts: [number, number] = [0, 0];
  const ways = await Promise.all(
    ([first, second] as const).map((one, i) =>
      openTestProxy(() => {
        counts[i === 0 ? 0 : 1] += 1;
        return one.gateway.port;
      }),
    ),
  );
  for (const way of ways) releasers.push('way', () => way.close());
  return { first, counts, ports: [ways[0]?.port ?? 0, ways[1]?.port ?? 0] };
}

/** @returns a block of the page, with the addresses of these gateways */
function documented(name: string, { ports }: Gateways): string {
  const [, block] = new RegExp(`<!-- ${name} -->\\n\`\`\`\\n(.*?)\\n\`\`\``, 's').exec(PAGE) ?? [];
  if (block === undefined) throw new Error(`infra/proxies/README.md shows no ${name}`);
  const unchecked = block.replaceAll(/ check$/gm, ''); // a health check would count as a connection
  return unchecked.replaceAll('10.0.0.1:3000', `127.0.0.1:${ports[0]}`).replaceAll('10.0.0.2:3000', `127.0.0.1:${ports[1]}`);
}

export type Stickiness = 'query' | 'address' | 'header' | 'none';

/** Resolves to the balancer's URL. */
export async function startBalancer(releasers: Releasers, name: string, gateways: Gateways): Promise<string> {
  const block = documented(name, gateways);
  if (name.startsWith('haproxy')) return (await startHaproxy(releasers, `  default_backend qrcast\n${block}`)).url;
  if (name.startsWith('nginx')) return (await startNginx(releasers, documented('nginx server', gateways), block)).url;
  return (await startCaddy(releasers, block)).url;
}

/** Balances by a cookie, which the page warns against. */
export async function startCookieBalancer(releasers: Releasers, gateways: Gateways): Promise<string> {
  const block = documented('haproxy none', gateways)
    .replace('balance roundrobin', 'balance roundrobin\n  cookie GATEWAY insert indirect nocache')
    .replace(/server (\w+) (\S+)/g, 'server $1 $2 cookie $1');
  return (await startHaproxy(releasers, `  default_backend qrcast\n${block}`)).url;
}

type ClientOptions = Partial<ManagerOptions & SocketOptions>;

/** One of many clients. Each has an id and an address of its own. */
export function clientOptions(stickiness: Stickiness, i: number): ClientOptions {
  switch (stickiness) {
    case 'query':
      return { query: { affinity: `client-${i}` } };
    case 'header':
      return { extraHeaders: { 'X-Qrcast-Affinity': `client-${i}` }, transports: ['polling'] };
    case 'address': // a network of its own, because ip_hash uses the network
      return { agent: new Agent({ localAddress: `127.0.${i + 1}.1` }) as unknown as boolean }; // typed for browsers
    case 'none':
      return { transports: ['websocket'] };
  }
}

/**
 * Resolves once the session has arrived and, with the default transports, the connection is a
 * WebSocket.
 */
export async function connectThrough(url: string, ticket: string, options: ClientOptions): Promise<void> {
  const socket: Socket = io(url, { auth: { ticket }, forceNew: true, ...options });
  try {
    const upgraded =
      options.transports !== undefined ? undefined : new Promise((resolve) => socket.io.engine.once('upgrade', () => resolve(undefined)));
    await new Promise<unknown>((resolve, reject) => {
      socket.once('session', resolve);
      socket.once('connect_error', reject);
      socket.once('disconnect', (reason) => reject(new Error(reason)));
    });
    await upgraded;
  } finally {
    socket.disconnect();
  }
}
