/** For tests: hosts that hold requests, a healthy one, and a whole worker with sessions at them. */

import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { MIN_SPACING_MS } from '@qrcast/core/schedule';
import type { Session } from '@qrcast/core/session';
import { instanceKeyOf, sealCredentials } from '@qrcast/runtime/keyring/credentials-vault';
import { createKeyring } from '@qrcast/runtime/keyring/keyring';
import { createLog } from '@qrcast/runtime/log';
import { type Node, openNode } from '@qrcast/runtime/node';
import type {} from '@qrcast/runtime/test/redis'; // for the type of inject('redisUrl')
import { sampleSession } from '@qrcast/runtime/test/runtime';
import { inject } from 'vitest';
import { startWorker } from '../src/worker.ts';
import { drawCode } from './pictures.ts';

const AT_ONCE = 100;
export const CONCURRENCY = 100;

export const open: { close(): Promise<unknown> }[] = [];
/** Everything opened here. */
export async function closeHosts(): Promise<void> {
  for (const one of open.splice(0).reverse()) await one.close();
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the host has no port');
  return `http://127.0.0.1:${address.port}`;
}

/** Accepts every connection and calls `onRequest` for its first request. */
async function openRawHost(
  onRequest: (socket: Socket) => void,
): Promise<{ url: string; most(): number; untilOpen(count: number): Promise<void> }> {
  const sockets = new Set<Socket>();
  let most = 0;
  let wake: () => void = () => undefined;
  const server = createServer((socket) => {
    sockets.add(socket);
    most = Math.max(most, sockets.size);
    wake();
    socket.on('error', () => undefined); // the worker closes connections that it gives up
    socket.once('close', () => sockets.delete(socket));
    socket.once('data', () => onRequest(socket));
  });
  const url = await listen(server);
  open.push({
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  });
  return {
    url,
    most: () => most,
    async untilOpen(count) {
      while (sockets.size < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

export const openSilentHost = () => openRawHost(() => undefined);

/** Sends a head of HTTP, then garbage without end. */
export const openGarbageHost = () =>
  openRawHost((socket) => {
    socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
    const drip = setInterval(() => socket.write('3\r\n\u0000?!\r\n'), 500);
    socket.once('close', () => clearInterval(drip));
  });

export async function refusingUrl(): Promise<string> {
  const server = createServer();
  const url = await listen(server);
  server.close();
  return url;
}

/** Answers every instance with a code, and counts the requests of each. */
export async function openHealthyHost() {
  const answer = JSON.stringify({ type: 'qrCode', message: drawCode('a login link').replace('data:image/png;base64,', '') });
  const asked = new Map<string, number>();
  let wake: () => void = () => undefined;
  const server = createHttpServer((request, response) => {
    const instance = /^\/waInstance(\d+)\//.exec(request.url ?? '')?.[1] ?? '';
    asked.set(instance, (asked.get(instance) ?? 0) + 1);
    response.writeHead(200, { 'content-type': 'application/json' }).end(answer);
    wake();
  });
  const url = await listen(server);
  open.push({ close: async () => server.close().closeAllConnections() });
  const times = (instance: string): number => asked.get(instance) ?? 0;
  return {
    url,
    times,
    async untilAsked(instance: string, count: number): Promise<void> {
      while (times(instance) < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

export interface System {
  readonly node: Node;
  /** Creates sessions that are watched and due. */
  watch(tenantId: string, apiUrls: readonly string[], count: number): Promise<readonly Session[]>;
  startWorker(upstreamHosts: readonly string[], hostConcurrency: number): Promise<void>;
}

// One function: it opens the parts of a system in order.
export async function openSystem(): Promise<System> {
  const log = createLog('test', 'silent');
  const secretKeys = [{ id: 'k1', key: randomBytes(32) }];
  const keyring = createKeyring(secretKeys);
  const options = {
    redisUrl: inject('redisUrl'),
    namespace: `test-${randomUUID().slice(0, 8)}`,
    policy: { intervalMs: MIN_SPACING_MS, codeTtlMs: 20_000, attemptMs: 180_000 },
    log,
  };
  const node = await openNode(options);
  open.push(node);
  let instances = 1_101_000_000;

  async function watchOne(tenantId: string, apiUrl: string): Promise<Session> {
    const now = node.clock.now();
    const secret = { apiUrl, apiToken: 'token-of-an-instance' };
    const instanceId = String(++instances);
    const session = sampleSession({ tenantId, instanceId, instanceKey: instanceKeyOf(instanceId, secret) }, now);
    await node.sessions.create(session, sealCredentials(keyring, session.id, secret));
    await node.sessions.apply(session.id, { kind: 'watched', at: now }, { justRead: session });
    await node.queue.ensure({ sessionId: session.id, instanceKey: session.instanceKey, tenantId }, now + 120_000);
    return session;
  }

  return {
    node,
    async watch(tenantId, apiUrls, count) {
      const watched: Session[] = [];
      while (watched.length < count) {
        const size = Math.min(AT_ONCE, count - watched.length);
        const from = watched.length;
        const urlOf = (i: number): string => apiUrls[(from + i) % apiUrls.length] ?? '';
        watched.push(...(await Promise.all(Array.from({ length: size }, (_, i) => watchOne(tenantId, urlOf(i))))));
      }
      return watched;
    },
    async startWorker(upstreamHosts, hostConcurrency) {
      const worker = await startWorker({ ...options, secretKeys, upstreamHosts, concurrency: CONCURRENCY, hostConcurrency });
      open.push({ close: () => worker.close(0) });
    },
  };
}
