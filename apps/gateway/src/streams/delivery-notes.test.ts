/** What a gateway adds to the timelines of its sessions, and when. */

import type { Outcome } from '@qrcast/core/outcome';
import type { SessionEvent } from '@qrcast/core/reduce';
import { describe, expect, it, vi } from 'vitest';
import { newSink, prepareHub, settle } from '../../test/hub.ts';

const { world, newSession, showCode, watched, apply } = prepareHub();

async function deliveriesOf(sessionId: string) {
  const timeline = await world().sessions.timeline(sessionId);
  return timeline?.entries.filter((entry) => entry.kind === 'delivery') ?? [];
}
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

const answer = (outcome: Outcome): SessionEvent => ({ kind: 'answered', at: Date.now(), startedAt: Date.now(), jitter: 0, outcome });

describe('the timeline of a watched session', () => {
  it('gets an entry a minute while states are sent', async () => {
    const id = await newSession();
    await watched(newSink(true).sink, id);
    await watched(newSink(true).sink, id);
    await showCode(id, 'a');
    await pass(30_000);
    expect(await deliveriesOf(id)).toEqual([]);
    await pass(31_000);
    expect(await deliveriesOf(id)).toMatchObject([{ gateway: 'here', viewers: 2, sinceMs: 60_000 }]);
    const before = (await deliveriesOf(id)).length;
    await showCode(id, 'b');
    await pass(60_000);
    expect(await deliveriesOf(id)).toHaveLength(before + 1);
  });

  it('gets an entry when the last viewer leaves, with the slowest change', async () => {
    const id = await newSession();
    const [one, two] = [await watched(newSink(true).sink, id), await watched(newSink(true).sink, id)];
    await pass(1_000);
    await apply(id, { kind: 'postponed', at: Date.now() - 250, retryAt: Date.now() + 1_000 }); // told 250 ms late
    one.close();
    expect(await deliveriesOf(id)).toEqual([]);
    two.close();
    await settle();
    expect(await deliveriesOf(id)).toMatchObject([{ viewers: 2, slowestMs: 250 }]);
  });

  it('does not count a change that is only kept: no viewer is sent it', async () => {
    const id = await newSession();
    const viewer = await watched(newSink(true).sink, id);
    await apply(id, answer({ kind: 'passwordWanted' }));
    for (let polls = 0; polls < 10; polls++) {
      await pass(5_000);
      await apply(id, answer({ kind: 'passwordWanted' }));
    }
    viewer.close();
    await settle();
    expect(await deliveriesOf(id)).toMatchObject([{ messages: 2, slowestMs: 0 }]);
  });

  it('gets none for viewers who were sent nothing', async () => {
    const viewer = await watched(newSink(true).sink, 'ses_none');
    viewer.close();
    await settle();
    expect(await world().sessions.timeline('ses_none')).toBeNull();
    const id = await newSession();
    await watched(newSink(true).sink, id);
    await pass(61_000);
    const { length } = await deliveriesOf(id);
    await pass(120_000); // nothing changes any more
    expect(await deliveriesOf(id)).toHaveLength(length);
  });
});
