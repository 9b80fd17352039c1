/**
 * The long form of the fuzz: many rounds of every edge. Afterwards, the roles hold no more than
 * after the first rounds.
 */

import type {} from '@qrcast/runtime/test/redis'; // what `inject` knows
import { expect, inject, it } from 'vitest';
import { type Both, describeFuzz, SETTLED } from './describe-fuzz.ts';
import { growing, leftOver } from './held.ts';
import { EVERY_TYPE } from './redis-harm.ts';

const ROUNDS = 8;

describeFuzz({ runs: 60, redisUrl: inject('redisUrl') }, ({ run, edges, base, held, viewers }) => {
  it.each([
    ['HTTP', edges.http, 1 / 4],
    ['WebSocket', edges.webSocket, 1 / 4],
    ['Socket.IO', edges.socketIo, 1 / 4],
    ['notifications', edges.notifications, 1 / 4],
    ["the provider's answers to a worker", edges.polled, 1 / 20],
    ['Redis', edges.redis, 1 / 20],
  ] as const)('%s: nothing is left open, and no memory grows', async (_name, edge, share) => {
    await run(edge, share); // fills the caches, and lets V8 compile the code
    const rounds: Both[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await run(edge, share);
      rounds.push(await held());
    }
    for (const role of ['gateway', 'worker'] as const) {
      await expect.poll(async () => leftOver(base()[role], (await held())[role], 'counted'), SETTLED).toEqual([]);
      await expect.poll(async () => growing([...rounds, await held()].map((both) => both[role])), SETTLED).toEqual([]);
    }
    await expect.poll(viewers, SETTLED).toBe(0);
  });

  it.concurrent('in Redis, each key of a tenant as each type', () => run(edges.redis, 1 / 60, EVERY_TYPE));
  it.concurrent("in the provider's answers", () => run(edges.providerAnswers, 5));
  it.concurrent('in the environment', () => run(edges.settings, 5));
  it.concurrent('in the environment of a process', () => run(edges.roleEnvironment, 1 / 10));
  it.concurrent('in files and piped input', () => run(edges.files, 2));
});
