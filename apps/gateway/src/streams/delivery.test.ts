import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import { createMeters } from '@qrcast/runtime/metrics/meters';
import { changeOf } from '@qrcast/runtime/sessions/published-state';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { newSink, prepareHub, WATCHER } from '../../test/hub.ts';
import { createDelivery, createStateMessages, SEND_WITHIN_MS, WINDOW } from './delivery.ts';
import { createStreamMeters } from './stream-meters.ts';

const { world, newSession, apply, showCode, watched } = prepareHub();

describe('delivery', () => {
  it('sends on to a viewer that gives credit late, and with all it may have unread, only the newest state', async () => {
    const id = await newSession();
    const slow = newSink();
    await watched(slow.sink, id);
    const names = Array.from({ length: WINDOW + 3 }, (_, i) => `code ${i}`);
    for (const name of names) await showCode(id, name);
    const first = ['waiting', ...names.slice(0, WINDOW - 1)];
    expect(slow.told()).toEqual(first);
    slow.credit();
    expect(slow.told()).toEqual([...first, names.at(-1)]);
    slow.credit();
    expect(slow.told()).toEqual([...first, names.at(-1)]);
    await showCode(id, 'next');
    expect(slow.told().at(-1)).toBe('next');
  });

  it('has at most so many messages unread, and ends with the newest, whatever comes and whenever it is read', async () => {
    const order = fc.array(fc.constantFrom('change', 'read'), { minLength: 20, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(order, fc.boolean(), async (steps, hasRoom) => {
        const id = await newSession();
        const slow = newSink(false, hasRoom);
        const subscription = await watched(slow.sink, id);
        let read = 0;
        for (const [i, step] of steps.entries()) {
          if (step === 'change') await showCode(id, `code ${i}`);
          else if (read < slow.messages.length) {
            read++;
            slow.credit();
          }
          expect(slow.messages.length - read).toBeLessThanOrEqual(hasRoom ? WINDOW : 1);
        }
        while (read++ < slow.messages.length) slow.credit();
        const { session, image } = (await world().sessions.read(id)) ?? expect.unreachable();
        expect(slow.told().at(-1)).toBe(image ?? session.state.kind);
        subscription.close();
      }),
    );
  });

  it('sends one message at a time to a viewer whose connection has no room, and then the newest state', async () => {
    const id = await newSession();
    const slow = newSink(false, false);
    const quick = newSink(true);
    await watched(slow.sink, id);
    await watched(quick.sink, id);
    for (const name of ['A', 'B', 'C']) await showCode(id, name);
    expect(quick.told()).toEqual(['waiting', 'A', 'B', 'C']);
    expect(slow.told()).toEqual(['waiting']);
    slow.credit();
    expect(slow.told()).toEqual(['waiting', 'C']);
    slow.credit();
    expect(slow.told()).toEqual(['waiting', 'C']);
  });

  it('shares one message among the viewers of one change', async () => {
    const id = await newSession();
    const sinks = [newSink(true), newSink(true)];
    for (const { sink } of sinks) await watched(sink, id);
    await showCode(id, 'A');
    const [one, two] = sinks.map(({ messages }) => messages.at(-1));
    expect(one).toMatchObject({ kind: 'session', session: { state: 'showing', viewers: 12 } });
    expect(one?.kind === 'session' && two?.kind === 'session' && one.session === two.session).toBe(true);
  });

  it('sends fresh for the same code, and the whole state to a viewer that missed the code itself', async () => {
    const id = await newSession();
    const quick = newSink(true);
    const slow = newSink(false, false);
    await watched(quick.sink, id);
    await watched(slow.sink, id);
    await showCode(id, 'A');
    await vi.advanceTimersByTimeAsync(500);
    const confirmed = await showCode(id, 'A');
    expect(quick.told()).toEqual(['waiting', 'A', 'fresh']);
    expect(quick.messages.at(-1)).toEqual({
      kind: 'fresh',
      fresh: { id, version: confirmed?.version, staleAt: Date.now() + DEFAULT_POLICY.codeTtlMs },
    });
    slow.credit();
    expect(slow.told()).toEqual(['waiting', 'A']);
    slow.credit();
    expect(slow.told()).toEqual(['waiting', 'A']);
  });

  it('closes a viewer that gives no credit for too long, and no other', async () => {
    const id = await newSession();
    const dead = newSink();
    const quick = newSink(true);
    await watched(quick.sink, id);
    await watched(dead.sink, id);
    await vi.advanceTimersByTimeAsync(SEND_WITHIN_MS - 10);
    expect(dead.closed).toEqual([]);
    await vi.advanceTimersByTimeAsync(20);
    expect([dead.closed, quick.closed]).toEqual([['slow_consumer'], []]);
    await showCode(id, 'A');
    dead.credit();
    expect(dead.messages).toHaveLength(1);
    expect(world().hub.size()).toBe(1);
  });

  it('counts the time for a message from when the viewer is asked what it has read', async () => {
    const id = await newSession();
    const slow = newSink();
    let askedAt = Number.POSITIVE_INFINITY;
    await watched({ ...slow.sink, askedAt: () => askedAt }, id);
    await vi.advanceTimersByTimeAsync(2 * SEND_WITHIN_MS);
    expect(slow.closed).toEqual([]);
    askedAt = performance.now();
    await vi.advanceTimersByTimeAsync(SEND_WITHIN_MS - 1_000);
    expect(slow.closed).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(slow.closed).toEqual(['slow_consumer']);
  });

  it('closes nobody for a pause of the process: what was read meanwhile has not been heard yet', async () => {
    const id = await newSession();
    const slow = newSink();
    await watched(slow.sink, id);
    vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 2 * SEND_WITHIN_MS);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(slow.closed).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(slow.closed).toEqual(['slow_consumer']); // it did not read
    vi.restoreAllMocks();
  });

  it.each([true, false])('closes with done when all has been read, the final state last: room %s', async (hasRoom) => {
    const id = await newSession();
    const slow = newSink(false, hasRoom);
    await watched(slow.sink, id);
    await apply(id, { kind: 'cancelled', at: Date.now() });
    slow.credit();
    expect([slow.told().at(-1), slow.closed]).toEqual(['ended', []]);
    slow.credit();
    expect(slow.closed).toEqual(['done']);
    expect(world().hub.size()).toBe(0);
  });

  it('keeps a viewer after an end that can be resumed', async () => {
    const id = await newSession();
    const quick = newSink(true);
    await watched(quick.sink, id);
    const session = await world().sessions.find(id);
    await apply(id, { kind: 'elapsed', at: session?.deadlineAt ?? 0 });
    expect([quick.told().at(-1), quick.closed]).toEqual(['ended', []]);
    await apply(id, { kind: 'resumed', at: Date.now() });
    expect(quick.told().at(-1)).toBe('waiting');
  });

  it('sends only versions after the one that the viewer has, but `first` always contains the state', async () => {
    const id = await newSession();
    await apply(id, { kind: 'watched', at: Date.now() });
    await showCode(id, 'A');
    const known = newSink(true);
    const subscription = await watched(known.sink, id, { after: 3 });
    expect(await subscription.first).toMatchObject({ version: 3, state: 'showing' });
    expect(known.messages).toEqual([]);
    await showCode(id, 'B');
    expect(known.told()).toEqual(['B']);
  });

  it('measures what a viewer waited for, and of a renewed code its renewal, even if the whole state is sent', async () => {
    const id = await newSession();
    const seconds = world().meters.histogram('qrcast_delivery_seconds', { kind: 'session' });
    const measured = () => ({ messages: seconds.counts.reduce((sum, one) => sum + one, 0), seconds: seconds.sum });
    const first = newSink(true);
    await watched(first.sink, id);
    await showCode(id, 'A');
    const { session } = (await world().sessions.read(id)) ?? expect.unreachable();
    const before = measured();
    await vi.advanceTimersByTimeAsync(3_000);
    const joining = newSink(true);
    await watched(joining.sink, id);
    expect(joining.told()).toEqual(['A']);
    expect(measured()).toEqual(before);
    const returning = newSink(true);
    await watched(returning.sink, id, { after: session.version });
    await showCode(id, 'A');
    expect([first.told().at(-1), returning.told()]).toEqual(['fresh', ['A']]);
    expect(measured()).toEqual({ messages: before.messages + 1, seconds: before.seconds });
  });

  it('sends no code that came too late, as from a Redis that was frozen, but what follows it', async () => {
    const id = await newSession();
    await watched(newSink(true).sink, id);
    await showCode(id, 'A');
    const { session } = (await world().sessions.read(id)) ?? expect.unreachable();
    const shown = { ...changeOf({ session, image: null }), image: null };
    const late = newSink(true);
    const meters = createStreamMeters(createMeters());
    const delivery = createDelivery({ sink: late.sink, formats: ['text'], after: 0, latest: () => null, onEnd: () => undefined, meters });
    const staleAt = Date.now() + DEFAULT_POLICY.codeTtlMs;
    delivery.offer(createStateMessages(shown, 1, staleAt));
    expect(late.messages).toEqual([]);
    delivery.offer(createStateMessages(shown, 1, staleAt - 1));
    expect(late.messages).toHaveLength(1);
    delivery.close();
  });

  it.each([true, false])('has no stale code in `first`, and tells its end: visible %s', async (isVisible) => {
    const id = await newSession();
    await apply(id, { kind: 'watched', at: Date.now() });
    await showCode(id, 'A');
    await vi.advanceTimersByTimeAsync(DEFAULT_POLICY.codeTtlMs); // nobody polls meanwhile
    const late = newSink(true);
    const subscription = await watched(late.sink, id, { isVisible });
    expect(await subscription.first).toMatchObject({ state: 'waiting', code: null });
    expect(late.told()).toEqual(['waiting']);
  });

  it('sends nothing after close, and nothing of a session that does not exist', async () => {
    const id = await newSession();
    const left = newSink(true);
    const subscription = await watched(left.sink, id);
    subscription.close();
    subscription.close();
    await showCode(id, 'A');
    expect([left.messages.length, left.closed, world().hub.size()]).toEqual([1, [], 0]);
    const nowhere = newSink(true);
    const none = world().hub.subscribe({ sessionId: 'ses_none', by: WATCHER, sink: nowhere.sink });
    expect(await none.first).toBeNull();
    expect([nowhere.messages, nowhere.closed, world().hub.size()]).toEqual([[], [], 0]);
  });
});
