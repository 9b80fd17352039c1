/** The long form of the fuzz: many rounds of every edge, after which the roles hold no more than after the first ones. */

import type {} from '@qrcast/runtime/test-redis'; // what `inject` knows
import { expect, inject, it } from 'vitest';
import { describeFuzz } from './fuzz/describe-fuzz.ts';
import type { Held } from './fuzz/watched-role.ts';

const ROUNDS = 8;
/** The first rounds fill caches and compile what is used. */
const WARM_UP = 3;
/** Between the middle of the first rounds and of the last ones. */
const MAX_GROWTH = 1.2;

describeFuzz({ runs: 60, redisUrl: inject('redisUrl') }, ({ run, edges, stage }) => {
  it.each([
    ['HTTP', edges.http],
    ['WebSocket', edges.webSocket],
    ['Socket.IO', edges.socketIo],
    ['notifications', edges.notifications],
    ["the provider's answers to a worker", edges.polled],
  ] as const)('%s: sockets and memory come back to their base', async (_name, edge) => {
    const before = await Promise.all([stage().gateway.held(), stage().worker.held()]);
    const rounds: (readonly Held[])[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await run(edge as typeof edges.http, 1 / 4);
      rounds.push(await Promise.all([stage().gateway.held(), stage().worker.held()]));
    }
    const sockets = (held: readonly Held[]): number => held.reduce((sum, { resources }) => sum + (resources['TCPSocketWrap'] ?? 0), 0);
    // Connections that wait for their end: until they have gone.
    await expect
      .poll(async () => sockets(await Promise.all([stage().gateway.held(), stage().worker.held()])))
      .toBeLessThanOrEqual(sockets(before) + 2);
    for (const role of [0, 1]) {
      const heaps = rounds.map((held) => held[role]?.heapBytes ?? 0);
      const middle = (all: readonly number[]): number => all.toSorted((a, b) => a - b)[all.length >> 1] ?? 0;
      process.stdout.write(`heap after each round, MB: ${heaps.map((bytes) => Math.round(bytes / 1e5) / 10).join(' ')}\n`);
      expect(middle(heaps.slice(-WARM_UP))).toBeLessThan(MAX_GROWTH * middle(heaps.slice(0, WARM_UP)));
    }
  });

  it("in the provider's answers", () => run(edges.providerAnswers, 5));
  it('in Redis', () => run(edges.redis, 1 / 6));
  it('in the environment', () => run(edges.settings, 5));
  it('in the environment of a process', () => run(edges.roleEnvironment, 1 / 10));
  it('in files and piped input', () => run(edges.files, 2));
});
