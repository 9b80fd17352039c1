/** What a gateway adds to the timelines of its sessions, and when. */

import { describe, expect, it, vi } from 'vitest';
import { newSink, prepareHub, settle } from '../../test/hub.ts';

const { world, newSession, showCode, watched, apply } = prepareHub();

async function deliveriesOf(sessionId: string) {
  const timeline = await world().sessions.timeline(sessionId);
  return timeline?.entries.filter((entry) => entry.kind === 'delivery') ?? [];
}
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

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

  it('gets none for viewers who were sent nothing', async () => {
    const viewer = await watched(newSink(true).sink, 'ses_none');
    viewer.close();
    await settle();
    expect(await world().sessions.timeline('ses_none')).toBeNull();
    const id = await newSession();
    await watched(newSink(true).sink, id);
    await pass(61_000);
    const { length } = await deliveriesOf(id);
    await pass(120_000); // an idle session without a poll changes nothing
    expect((await deliveriesOf(id)).length).toBeLessThanOrEqual(length + 1);
  });
});
