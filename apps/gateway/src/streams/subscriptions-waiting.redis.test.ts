/**
 * Subscriptions that wait because their client does not read: the end of their tickets meanwhile,
 * and their bound.
 */

import { openRedisMonitor } from '@qrcast/runtime/test/monitor';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { openTestGateway, type TestGateway } from '../../test/gateway.ts';
import { openSocket, type TestSocket } from '../../test/websocket.ts';
import { MAX_UNREAD_ANSWERS } from './subscription-queue.ts';

let test: TestGateway;
beforeEach(async () => {
  test = await openTestGateway();
});
afterEach(() => test.close());

/** A client that has stopped reading, with as many unread answers as it may have. */
async function openFull(): Promise<TestSocket> {
  const socket = openSocket(test.url);
  await socket.opened;
  socket.raw.pause();
  const made = await Promise.all(Array.from({ length: MAX_UNREAD_ANSWERS }, () => test.create()));
  for (const { ticket } of made) socket.send({ type: 'subscribe', ticket });
  // At a cluster a later look-up may be answered first. Whoever is watched has its place.
  const viewersOf = async (id: string) => (await test.call('GET', `/v1/sessions/${id}`)).body.session.viewers;
  await expect.poll(() => Promise.all(made.map(({ session }) => viewersOf(session.id)))).toEqual(made.map(() => 1));
  return socket;
}

/** Tells when the gateway has looked up whether a ticket is revoked. */
async function lookUps(): Promise<{ untilSeen(ticketId: string): Promise<void>; close(): void }> {
  const monitor = await openRedisMonitor(inject('redisServers'));
  const commands: string[][] = [];
  monitor.on('monitor', (_time: string, args: string[]) => commands.push(args));
  return {
    async untilSeen(ticketId) {
      const isSeen = (): boolean => commands.some(([name, , id]) => name?.toLowerCase() === 'zscore' && id === ticketId);
      while (!isSeen()) await new Promise((resolve) => monitor.once('monitor', resolve));
    },
    close: () => monitor.disconnect(),
  };
}

it.each([
  ['refused if the ticket was revoked meanwhile', true],
  ['(twin) answered with the state if it was not', false],
])('are %s', async (_what, isRevoked) => {
  const seen = await lookUps();
  const { session, ticket } = await test.create();
  await test.call('GET', '/v1/sessions/self', { secret: ticket });
  const socket = await openFull();
  const waiting = await test.ticketFor(session.id);
  const id = (JSON.parse(Buffer.from(waiting.split('.')[1] ?? '', 'base64url').toString()) as { readonly jti: string }).jti;
  socket.send({ type: 'subscribe', ticket: waiting });
  await seen.untilSeen(id);
  if (isRevoked) expect((await test.call('DELETE', `/v1/tickets/${id}`)).status).toBe(204);
  await test.showCode(session.id, 'MADE-LATER');
  socket.raw.resume();
  const answer = (await socket.untilAnswers(MAX_UNREAD_ANSWERS + 1)).at(-1);
  if (isRevoked) expect(answer).toMatchObject({ type: 'error', error: { code: 'unauthenticated' } });
  else expect(answer).toMatchObject({ type: 'ok', sessionId: session.id });
  const isItsOwn = ({ id }: { readonly id: string }): boolean => id === session.id;
  if (!isRevoked) await socket.until('session', isItsOwn);
  expect(socket.all('session').filter(isItsOwn)).toHaveLength(isRevoked ? 0 : 1);
  socket.raw.close();
  seen.close();
});

it('are at most a hundred, and more are refused', async () => {
  const { ticket } = await test.create();
  const socket = openSocket(test.url);
  await socket.opened;
  socket.raw.pause();
  for (let n = 0; n < 130; n++) socket.send({ type: 'subscribe', ticket });
  await test.call('GET', '/v1/sessions/self', { secret: ticket });
  socket.raw.resume();
  const answers = await socket.untilAnswers(130);
  const refused = answers.flatMap((answer) => (answer.type === 'error' ? [answer.error.code] : []));
  expect(new Set(refused)).toEqual(new Set(['too_many_requests']));
  socket.raw.close();
});
