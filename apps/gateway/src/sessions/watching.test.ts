import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import { describe, expect, it, vi } from 'vitest';
import { newSink, prepareHub, RENEW_EVERY_MS, settle } from '../../test/hub.ts';

const { world, newSession, apply, showCode, watched } = prepareHub();

describe('watching', () => {
  it('begins with the first visible viewer and is renewed while there is one', async () => {
    const id = await newSession();
    const subscription = await watched(newSink(true).sink, id);
    const firstUntil = Date.now() + 15_000;
    expect(world().queued.get(id)).toBe(firstUntil);
    await vi.advanceTimersByTimeAsync(RENEW_EVERY_MS); // once in it, at a moment that depends on the shard
    const renewedUntil = world().queued.get(id);
    expect(renewedUntil).toBeGreaterThan(firstUntil);
    expect(renewedUntil).toBeLessThanOrEqual(firstUntil + RENEW_EVERY_MS);
    subscription.close();
    await vi.advanceTimersByTimeAsync(2 * RENEW_EVERY_MS);
    expect(world().queued.get(id)).toBe(renewedUntil);
  });

  it('does not count a hidden viewer until it is shown', async () => {
    const id = await newSession();
    const hidden = newSink(true);
    const subscription = await watched(hidden.sink, id, { isVisible: false });
    await vi.advanceTimersByTimeAsync(2 * RENEW_EVERY_MS);
    expect([world().starts, hidden.told(), world().counts.get(id)]).toEqual([[], ['idle'], undefined]);
    subscription.setVisible(true);
    await settle();
    expect([world().starts, hidden.told(), world().counts.get(id)]).toEqual([[id], ['idle', 'waiting'], 1]);
    subscription.setVisible(false);
    subscription.setVisible(false);
    await settle();
    expect(world().counts.get(id)).toBe(0);
    const until = world().queued.get(id);
    await vi.advanceTimersByTimeAsync(2 * RENEW_EVERY_MS);
    expect(world().queued.get(id)).toBe(until);
  });

  it('begins again at once if the session becomes idle while watched, or is missing in the queue', async () => {
    const id = await newSession();
    const viewer = newSink(true);
    await watched(viewer.sink, id);
    world().queued.delete(id);
    await apply(id, { kind: 'unwatched', at: Date.now() });
    await settle();
    expect([viewer.told(), world().queued.has(id)]).toEqual([['waiting', 'waiting'], true]);
    world().queued.delete(id);
    await vi.advanceTimersByTimeAsync(RENEW_EVERY_MS);
    expect(world().queued.has(id)).toBe(true);
  });

  it.each([
    ['has asked for too long', 1, true],
    ['may still be asking', 0, false],
  ])('puts a session that is read back into the queue if nobody %s', async (_what, pastMs, isBack) => {
    const id = await newSession();
    await apply(id, { kind: 'watched', at: Date.now() });
    const { next } = (await world().sessions.find(id)) ?? expect.unreachable();
    world().queued.delete(id);
    vi.setSystemTime(next.at + 90_000 + pastMs);
    await world().watching.current(id);
    expect(world().queued.has(id)).toBe(isBack);
  });

  it.each([
    [1_100, null],
    [7_999, null],
    [8_000, { code: 'rate_limited', retryAt: 8_000 }],
    [600_000, { code: 'rate_limited', retryAt: 600_000 }],
  ])('gives a viewer who comes while the instance may not be asked for %i ms the notice %o', async (waitMs, notice) => {
    const id = await newSession();
    world().waits.set(id, waitMs);
    const viewer = newSink(true);
    await watched(viewer.sink, id);
    await settle();
    const { state } = (await world().sessions.find(id)) ?? expect.unreachable();
    expect(state).toEqual({ kind: 'waiting', notice: notice === null ? null : { ...notice, retryAt: Date.now() + notice.retryAt } });
    await watched(newSink(true).sink, id);
    expect(await world().sessions.find(id)).toMatchObject({ failures: 0, fence: 0, next: { ask: 'qr' } }); // nobody has answered
  });

  it('requests no code while all viewers are hidden, and continues when one is visible again', async () => {
    const id = await newSession();
    const [one, two] = [newSink(true), newSink(true)];
    const first = await watched(one.sink, id);
    const second = await watched(two.sink, id);
    await showCode(id, 'A');
    await settle();
    const aSecond = () => vi.advanceTimersByTimeAsync(1_000);
    first.setVisible(false);
    await aSecond();
    expect((await world().sessions.find(id))?.isUnwatched).toBe(false);
    world().others.count = 1; // on another gateway
    second.setVisible(false);
    await aSecond();
    expect((await world().sessions.find(id))?.isUnwatched).toBe(false);
    world().others.count = 0;
    const { version } = (await world().sessions.find(id)) ?? expect.unreachable();
    for (let n = 0; n < 20; n++) for (const visible of [true, false]) second.setVisible(visible);
    await settle();
    expect((await world().sessions.find(id))?.version).toBe(version);
    await aSecond();
    expect(await world().sessions.find(id)).toMatchObject({ isUnwatched: true, state: { kind: 'showing' }, next: { ask: 'state' } });
    first.setVisible(true);
    await settle();
    expect(await world().sessions.find(id)).toMatchObject({ isUnwatched: false, next: { ask: 'qr' } });
    expect(one.told()).not.toContain('idle');
  });

  it('gives viewers who leave the grace period to return, so that a reload changes nothing', async () => {
    const id = await newSession();
    const subscription = await watched(newSink(true).sink, id);
    await showCode(id, 'A');
    subscription.close();
    await settle();
    expect((await world().sessions.find(id))?.isUnwatched).toBe(false);
  });

  it('corrects a session at once that was marked as unwatched while it has a viewer', async () => {
    const id = await newSession();
    await watched(newSink(true).sink, id);
    await showCode(id, 'A');
    await apply(id, { kind: 'unwatched', at: Date.now() });
    await settle();
    expect((await world().sessions.find(id))?.isUnwatched).toBe(false);
  });

  it('leaves an idle session idle if all its viewers are hidden', async () => {
    const id = await newSession();
    const hidden = newSink(true);
    const subscription = await watched(hidden.sink, id);
    subscription.setVisible(false);
    world().queued.delete(id);
    await apply(id, { kind: 'unwatched', at: Date.now() });
    await vi.advanceTimersByTimeAsync(2 * RENEW_EVERY_MS);
    expect([hidden.told().at(-1), world().queued.has(id)]).toEqual(['idle', false]);
  });

  it('ends at the expiry of a session whose record is gone', async () => {
    const id = await newSession();
    const viewer = newSink(true);
    await watched(viewer.sink, id);
    await vi.advanceTimersByTimeAsync(DEFAULT_POLICY.attemptMs); // the end can be resumed, so the stream stays
    expect(viewer.closed).toEqual([]);
    await world().sessions.expire(id, 0);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(viewer.closed).toEqual(['not_found']);
    expect(world().hub.size()).toBe(0);
  });

  it('applies time without a worker: a code becomes stale, and an attempt ends at its deadline', async () => {
    const id = await newSession();
    const viewer = newSink(true);
    await watched(viewer.sink, id);
    await showCode(id, 'A');
    await vi.advanceTimersByTimeAsync(DEFAULT_POLICY.codeTtlMs + 1_000);
    expect(viewer.told()).toEqual(['waiting', 'A', 'waiting']);
    await vi.advanceTimersByTimeAsync(DEFAULT_POLICY.attemptMs);
    expect(viewer.messages.at(-1)).toMatchObject({ session: { state: 'ended', end: { reason: 'deadline', resumable: true } } });
    expect(world().queued.has(id)).toBe(false);
  });
});
