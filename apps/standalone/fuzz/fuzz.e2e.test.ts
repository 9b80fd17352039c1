/**
 * The short form of the fuzz: every inbound edge once, on one set of roles. README.md beside it
 * says how to repeat and lengthen it.
 */

import type {} from '@qrcast/runtime/test/redis'; // what `inject` knows
import { expect, inject, it } from 'vitest';
import { type Both, describeFuzz, SETTLED } from './describe-fuzz.ts';
import { growing, leftOver } from './held.ts';
import { mixed } from './run-edge.ts';

const ROUNDS = 4;

describeFuzz({ runs: 8, redisUrl: inject('redisUrl') }, ({ run, edges, base, held, viewers }) => {
  it.concurrent('over HTTP', () => run(edges.http));
  it.concurrent('in WebSocket frames', () => run(edges.webSocket));
  it.concurrent('in Socket.IO packets', () => run(edges.socketIo));
  it.concurrent('in notifications', () => run(edges.notifications));
  it.concurrent("in the provider's answers", () => run(edges.providerAnswers));
  it.concurrent("in the provider's answers to a worker", () => run(edges.polled, 1 / 8));
  it.concurrent('in Redis', () => run(edges.redis, 1 / 8));
  it.concurrent('in the environment', () => run(edges.settings));
  it.concurrent('in the environment of a process', () => run(edges.roleEnvironment, 1 / 8));
  it.concurrent('in files and piped input', () => run(edges.files));

  // The rounds before have filled the caches, and V8 has compiled the code.
  it('leave no socket open, no viewer counted, and neither memory nor timers that grow', async () => {
    const all = () => mixed('HTTP, WebSocket and notifications', [edges.http(), edges.webSocket(), edges.notifications()]);
    const rounds: Both[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await run(all, 1 / 4);
      rounds.push(await held());
    }
    for (const role of ['gateway', 'worker'] as const) {
      // Under load a round ends before the clients that it left are given up; what leaks stays.
      await expect.poll(async () => growing([...rounds, await held()].map((both) => both[role])), SETTLED).toEqual([]);
      const idle = role === 'worker' ? 'kept' : 'counted';
      await expect.poll(async () => leftOver(base()[role], (await held())[role], idle), SETTLED).toEqual([]);
    }
    await expect.poll(viewers, SETTLED).toBe(0);
  });
});
