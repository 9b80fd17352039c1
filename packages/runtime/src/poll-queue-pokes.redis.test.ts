import { MIN_SPACING_MS } from '@qrcast/core/schedule';
import { describe, expect, it } from 'vitest';
import { later, newTarget, pollLog, preparePollQueues } from './test-poll-queue.ts';

const { openProcess, consume } = preparePollQueues();

describe('PollQueue over BullMQ', () => {
  it('follows a request under way with the one a poke asks for meanwhile, with the spacing between', async () => {
    const { queue } = openProcess();
    const log = pollLog();
    const release = Promise.withResolvers<void>();
    await consume(queue, {
      poll: async (claim) => {
        log.add(claim);
        await release.promise;
        return claim.startedAt + 60_000;
      },
    });
    const target = newTarget();
    await queue.ensure(target, later());
    await log.until(1);
    await queue.poke(target, 'state');
    release.resolve();
    const [first, second] = await log.until(2);
    expect([first?.ask, second?.ask]).toEqual([null, 'state']);
    expect((second?.startedAt ?? 0) - (first?.startedAt ?? 0)).toBeGreaterThanOrEqual(MIN_SPACING_MS);
    expect((second?.startedAt ?? 0) - (first?.startedAt ?? 0)).toBeLessThan(30_000);
  });

  it('keeps a session that was poked while its last poll said it needs none', async () => {
    const { queue } = openProcess();
    const log = pollLog();
    const release = Promise.withResolvers<void>();
    await consume(queue, {
      poll: async (claim) => {
        log.add(claim);
        await release.promise;
        return null; // decided before the resume that poked
      },
    });
    const target = newTarget();
    await queue.ensure(target, later());
    await log.until(1);
    await queue.poke(target);
    release.resolve();
    await log.until(2);
  });

  it('hands a poke its method', async () => {
    const { queue } = openProcess();
    const log = pollLog();
    const others = pollLog();
    const target = newTarget();
    await consume(queue, {
      poll: async (claim) => {
        (claim.target.sessionId === target.sessionId ? log : others).add(claim);
        return claim.startedAt + (claim.target.sessionId === target.sessionId ? 60_000 : MIN_SPACING_MS);
      },
    });
    await queue.ensure(target, later());
    await log.until(1);
    await queue.ensure(newTarget(), later());
    await others.until(2); // the spacing of the first poll is over
    await queue.poke(target, 'state');
    const [first, poked] = await log.until(2);
    expect([first?.ask, poked?.ask]).toEqual([null, 'state']);
  });
});
