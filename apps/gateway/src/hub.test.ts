import type { CloseReason } from '@qrcast/core/close-codes';
import type { SessionEvent } from '@qrcast/core/reduce';
import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import { createLog } from '@qrcast/runtime/log';
import type { PollTarget } from '@qrcast/runtime/poll-queue';
import { createMemoryStore, openMemorySessions } from '@qrcast/runtime/sessions-memory';
import { sampleSession } from '@qrcast/runtime/test-runtime';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SEND_WITHIN_MS, type Sink, type ViewerMessage } from './delivery.ts';
import { type Hub, openHub, type Subscription } from './hub.ts';
import { createWatching } from './watching.ts';

const RENEW_EVERY_MS = 5_000;
const clock = { now: () => Date.now() };

let world: ReturnType<typeof openWorld>;
beforeEach(() => {
  vi.useFakeTimers({ now: 1_790_000_000_000 });
  world = openWorld();
});
afterEach(async () => {
  await world.hub.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** A hub over sessions in memory. The queue holds who is watched; counts hold how many. */
function openWorld() {
  const sessions = openMemorySessions(createMemoryStore(), DEFAULT_POLICY);
  const queued = new Map<string, number>();
  const counts = new Map<string, number>();
  const starts: string[] = [];
  const queue = {
    async ensure({ sessionId }: PollTarget, until: number) {
      starts.push(sessionId);
      queued.set(sessionId, until);
    },
    async renew(targets: readonly PollTarget[], until: number) {
      for (const { sessionId } of targets) if (queued.has(sessionId)) queued.set(sessionId, until);
      return targets.filter(({ sessionId }) => !queued.has(sessionId));
    },
    poke: async () => undefined,
    cancel: async ({ sessionId }: PollTarget) => void queued.delete(sessionId),
    consume: () => Promise.reject(new Error('nothing polls here')),
    ping: async () => undefined,
    close: async () => undefined,
  };
  const watching = createWatching({ sessions, queue, clock, graceMs: 15_000 });
  const viewerCounts = {
    async report(sessionId: string, count: number) {
      counts.set(sessionId, count);
      return count + 10; // as if other gateways had ten
    },
    read: async (sessionId: string) => counts.get(sessionId) ?? 0,
  };
  const hub: Hub = openHub({ sessions, watching, viewerCounts, clock, log: createLog('test', 'silent'), renewEveryMs: RENEW_EVERY_MS });
  return { sessions, queued, counts, starts, hub };
}

async function newSession(): Promise<string> {
  const session = sampleSession({}, Date.now());
  await world.sessions.create(session, '');
  return session.id;
}

const apply = (sessionId: string, event: SessionEvent) => world.sessions.apply(sessionId, event);
const showCode = (sessionId: string, name: string) => {
  const at = Date.now();
  return apply(sessionId, {
    kind: 'answered',
    at,
    startedAt: at,
    jitter: 0,
    outcome: { kind: 'code', digest: name, image: name, text: null },
  });
};
/** Lets all that is under way come to rest. */
const settle = () => vi.advanceTimersByTimeAsync(0);

/** A sink that gives credit when the test says so, or at once. */
function newSink(isQuick = false) {
  const messages: ViewerMessage[] = [];
  const closed: CloseReason[] = [];
  const credits: (() => void)[] = [];
  const sink: Sink = {
    send(message, sent) {
      messages.push(message);
      if (isQuick) sent();
      else credits.push(sent);
    },
    close: (reason) => void closed.push(reason),
  };
  return {
    sink,
    messages,
    closed,
    /** What came, in short: states by kind and picture, `fresh` by its name. */
    told: () => messages.map((one) => (one.kind === 'fresh' ? 'fresh' : (one.session.code?.image ?? one.session.state))),
    credit: () => credits.shift()?.(),
  };
}

async function watched(sink: Sink, sessionId: string, options: { after?: number; isVisible?: boolean } = {}): Promise<Subscription> {
  const subscription = world.hub.subscribe({ sessionId, sink, ...options });
  await subscription.first;
  await settle();
  return subscription;
}

describe('delivery', () => {
  it('sends the newest alone to who gives credit late, whatever came between', async () => {
    const id = await newSession();
    const slow = newSink();
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

  it('tells fresh for the same code, and the whole state to who missed the code itself', async () => {
    const id = await newSession();
    const quick = newSink(true);
    const slow = newSink();
    await watched(quick.sink, id);
    await watched(slow.sink, id);
    await showCode(id, 'A');
    await vi.advanceTimersByTimeAsync(500);
    await showCode(id, 'A');
    expect(quick.told()).toEqual(['waiting', 'A', 'fresh']);
    expect(quick.messages.at(-1)).toEqual({ kind: 'fresh', fresh: { id, version: 4, staleAt: Date.now() + DEFAULT_POLICY.codeTtlMs } });
    slow.credit();
    expect(slow.told()).toEqual(['waiting', 'A']);
    slow.credit();
    expect(slow.told()).toEqual(['waiting', 'A']);
  });

  it('counts a credit once, however often it is given', async () => {
    const id = await newSession();
    const sent: (() => void)[] = [];
    const messages: ViewerMessage[] = [];
    const sink: Sink = {
      send(message, done) {
        messages.push(message);
        sent.push(done);
      },
      close: () => undefined,
    };
    await watched(sink, id);
    await showCode(id, 'A');
    sent[0]?.();
    await showCode(id, 'B');
    sent[0]?.();
    expect(messages).toHaveLength(2);
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
    expect(world.hub.size()).toBe(1);
  });

  it('closes done when the final state has been read, not before', async () => {
    const id = await newSession();
    const slow = newSink();
    await watched(slow.sink, id);
    await apply(id, { kind: 'cancelled', at: Date.now() });
    slow.credit();
    expect([slow.told().at(-1), slow.closed]).toEqual(['ended', []]);
    slow.credit();
    expect(slow.closed).toEqual(['done']);
    expect(world.hub.size()).toBe(0);
  });

  it('keeps a viewer over an end that can be resumed', async () => {
    const id = await newSession();
    const quick = newSink(true);
    await watched(quick.sink, id);
    const session = await world.sessions.find(id);
    await apply(id, { kind: 'elapsed', at: session?.deadlineAt ?? 0 });
    expect([quick.told().at(-1), quick.closed]).toEqual(['ended', []]);
    await apply(id, { kind: 'resumed', at: Date.now() });
    expect(quick.told().at(-1)).toBe('waiting');
  });

  it('starts after the version a viewer has; first tells the state all the same', async () => {
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

  it('tells nothing after close, nor of a session there is not', async () => {
    const id = await newSession();
    const left = newSink(true);
    const subscription = await watched(left.sink, id);
    subscription.close();
    subscription.close();
    await showCode(id, 'A');
    expect([left.messages.length, left.closed, world.hub.size()]).toEqual([1, [], 0]);
    const nowhere = newSink(true);
    const none = world.hub.subscribe({ sessionId: 'ses_none', sink: nowhere.sink });
    expect(await none.first).toBeNull();
    expect([nowhere.messages, nowhere.closed, world.hub.size()]).toEqual([[], [], 0]);
  });
});

describe('watching', () => {
  it('begins with the first visible viewer and is renewed while there is one', async () => {
    const id = await newSession();
    const subscription = await watched(newSink(true).sink, id);
    expect(world.queued.get(id)).toBe(Date.now() + 15_000);
    await vi.advanceTimersByTimeAsync(RENEW_EVERY_MS);
    expect(world.queued.get(id)).toBe(Date.now() + 15_000);
    const renewedUntil = world.queued.get(id);
    subscription.close();
    await vi.advanceTimersByTimeAsync(2 * RENEW_EVERY_MS);
    expect(world.queued.get(id)).toBe(renewedUntil);
  });

  it('does not count a hidden viewer until it is shown', async () => {
    const id = await newSession();
    const hidden = newSink(true);
    const subscription = await watched(hidden.sink, id, { isVisible: false });
    await vi.advanceTimersByTimeAsync(2 * RENEW_EVERY_MS);
    expect([world.starts, hidden.told(), world.counts.get(id)]).toEqual([[], ['idle'], undefined]);
    subscription.setVisible(true);
    await settle();
    expect([world.starts, hidden.told(), world.counts.get(id)]).toEqual([[id], ['idle', 'waiting'], 1]);
    subscription.setVisible(false);
    subscription.setVisible(false);
    await settle();
    expect(world.counts.get(id)).toBe(0);
    const until = world.queued.get(id);
    await vi.advanceTimersByTimeAsync(2 * RENEW_EVERY_MS);
    expect(world.queued.get(id)).toBe(until);
  });

  it('begins again at once when the session is idled under a viewer, or has fallen out of the queue', async () => {
    const id = await newSession();
    const viewer = newSink(true);
    await watched(viewer.sink, id);
    world.queued.delete(id);
    await apply(id, { kind: 'unwatched', at: Date.now() });
    await settle();
    expect([viewer.told(), world.queued.has(id)]).toEqual([['waiting', 'waiting'], true]);
    world.queued.delete(id);
    await vi.advanceTimersByTimeAsync(RENEW_EVERY_MS);
    expect(world.queued.has(id)).toBe(true);
  });

  it('leaves an idle session idle where only hidden viewers are', async () => {
    const id = await newSession();
    const hidden = newSink(true);
    const subscription = await watched(hidden.sink, id);
    subscription.setVisible(false);
    world.queued.delete(id);
    await apply(id, { kind: 'unwatched', at: Date.now() });
    await vi.advanceTimersByTimeAsync(2 * RENEW_EVERY_MS);
    expect([hidden.told().at(-1), world.queued.has(id)]).toEqual(['idle', false]);
  });

  it('lets time pass without a worker: a code goes stale, an attempt meets its deadline', async () => {
    const id = await newSession();
    const viewer = newSink(true);
    await watched(viewer.sink, id);
    await showCode(id, 'A');
    await vi.advanceTimersByTimeAsync(DEFAULT_POLICY.codeTtlMs + 1_000);
    expect(viewer.told()).toEqual(['waiting', 'A', 'waiting']);
    await vi.advanceTimersByTimeAsync(DEFAULT_POLICY.attemptMs);
    expect(viewer.messages.at(-1)).toMatchObject({ session: { state: 'ended', end: { reason: 'deadline', resumable: true } } });
    expect(world.queued.has(id)).toBe(false);
  });
});
