/**
 * How many states are kept for a client that subscribes to one session after another, leaves each,
 * and reads nothing.
 */

import { viewersKey } from '@qrcast/runtime/redis/keys';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { openTestGateway, type TestGateway } from '../../test/gateway.ts';
import type { Ack } from '../../test/viewer.ts';
import { openSocket } from '../../test/websocket.ts';
import { MAX_UNREAD_ANSWERS } from './subscription-queue.ts';

let test: TestGateway;
let unbounded: TestGateway;
beforeAll(async () => {
  test = await openTestGateway();
  unbounded = await openTestGateway({ namespace: test.namespace, maxUnreadAnswers: Number.POSITIVE_INFINITY });
});
afterAll(async () => {
  await unbounded.close();
  await test.close();
});

/** More than a connection may watch at once, in fewer messages than it may send at once. */
const COUNT = 60;

interface One {
  readonly sessionId: string;
  readonly ticket: string;
  readonly version: number;
}

async function showMany(): Promise<One[]> {
  return Promise.all(
    Array.from({ length: COUNT }, async (_, i) => {
      const { session, ticket } = await test.create();
      await test.call('GET', '/v1/sessions/self', { secret: ticket }); // from here on it is polled
      const { version } = await test.showCode(session.id, `OLD${i}`);
      return { sessionId: session.id, ticket, version };
    }),
  );
}

async function untilWatched(sessions: readonly One[], count: number): Promise<void> {
  const keys = sessions.map(({ sessionId }) => viewersKey(test.namespace, sessionId));
  const watched = async (): Promise<number> =>
    (await Promise.all(keys.map((key) => test.node.redis.exists(key)))).filter((one) => one === 1).length;
  while ((await watched()) !== count);
}

/** Time enough for everything that waits only for this gateway. */
async function settle(ticket: string): Promise<void> {
  for (let i = 0; i < 50; i++) await test.call('GET', '/v1/sessions/self?visible=false', { secret: ticket });
}

interface Client {
  readonly raw: WebSocket;
  subscribe(ticket: string): void;
  unsubscribe(sessionId: string): void;
  /**
   * Resolves when everything has been answered and read, to the versions of the sessions that were
   * sent.
   */
  readAll(): Promise<readonly { readonly id: string; readonly version: number }[]>;
  close(): void;
}

async function openWebSocketClient({ url }: TestGateway): Promise<Client> {
  const socket = openSocket(url);
  await socket.opened;
  let sent = 0;
  const send = (frame: object): void => {
    sent++;
    socket.send(frame);
  };
  return {
    raw: socket.raw,
    subscribe: (ticket) => send({ type: 'subscribe', ticket }),
    unsubscribe: (sessionId) => send({ type: 'unsubscribe', sessionId }),
    async readAll() {
      await socket.untilAnswers(sent);
      return socket.all('session');
    },
    close: () => socket.raw.close(),
  };
}

async function openSocketIoClient({ view }: TestGateway): Promise<Client> {
  const viewer = view((await test.create()).ticket);
  await viewer.until('session');
  const acks: Promise<Ack>[] = [];
  const call = (event: string, body: object): void => void acks.push(viewer.socket.emitWithAck(event, body) as Promise<Ack>); // checked below
  return {
    raw: viewer.raw(),
    subscribe: (ticket) => call('subscribe', { ticket }),
    unsubscribe: (sessionId) => call('unsubscribe', { sessionId }),
    async readAll() {
      const told = (await Promise.all(acks)).flatMap(({ session }) => session ?? []);
      return [...told, ...viewer.all('session')];
    },
    close: () => void viewer.socket.disconnect(),
  };
}

/** The number of sessions whose state was made for the client while it read nothing. */
async function countKept(client: Client, atOnce: number): Promise<number> {
  const left = await showMany();
  const watched = await showMany();
  const { ticket: mine } = await test.create();
  client.raw.pause();
  for (const { ticket } of left) client.subscribe(ticket);
  await untilWatched(left, atOnce);
  await settle(mine);
  for (const { sessionId } of left) client.unsubscribe(sessionId);
  await untilWatched(left, 0);
  for (const { ticket } of watched) client.subscribe(ticket);
  if (atOnce === COUNT) await untilWatched(watched, COUNT);
  await settle(mine);
  const all = [...left, ...watched];
  for (const { sessionId } of all) await test.showCode(sessionId, 'NEW');
  client.raw.resume();
  const told = await client.readAll();
  client.close();
  return all.filter(({ sessionId, version }) => told.some((one) => one.id === sessionId && one.version === version)).length;
}

describe.each([
  ['WebSocket', openWebSocketClient],
  ['Socket.IO', openSocketIoClient],
])('on %s', (_name, openClient) => {
  it('are limited by the unread answers, however many it subscribes to', async () => {
    expect(await countKept(await openClient(test), MAX_UNREAD_ANSWERS)).toBeLessThanOrEqual(MAX_UNREAD_ANSWERS);
  });

  it('(twin) without the bound are more than a connection may watch', async () => {
    expect(await countKept(await openClient(unbounded), COUNT)).toBeGreaterThan(100);
  });
});
