/**
 * For tests: a hub over sessions in memory, with a fake clock, and viewers that read as fast as the
 * test says.
 */

import type { CloseReason } from '@qrcast/core/close-codes';
import type { SessionEvent } from '@qrcast/core/reduce';
import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import { createLog } from '@qrcast/runtime/log';
import { createMeters } from '@qrcast/runtime/metrics/meters';
import type { PollTarget } from '@qrcast/runtime/polling/poll-queue';
import { createMemoryStore, openMemorySessions } from '@qrcast/runtime/sessions/sessions-memory';
import { sampleSession } from '@qrcast/runtime/test/runtime';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { createWatching } from '../src/sessions/watching.ts';
import type { Sink, ViewerMessage } from '../src/streams/delivery.ts';
import { type Hub, openHub } from '../src/streams/hub.ts';
import { createStreamMeters } from '../src/streams/stream-meters.ts';
import type { Subscription } from '../src/streams/watched-session.ts';
import { holderOf } from './principal.ts';

export const WATCHER = holderOf('tkt_1');
export const RENEW_EVERY_MS = 5_000;
const clock = { now: () => Date.now() };

/**
 * Call this at the top of a test file. Each test gets a world of its own, which must leave no timer
 * behind.
 */
export function prepareHub() {
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

  async function newSession(): Promise<string> {
    const session = sampleSession({}, Date.now());
    await world.sessions.create(session, '');
    return session.id;
  }

  const apply = (sessionId: string, event: SessionEvent) => world.sessions.apply(sessionId, event);
  let requests = 0;
  const showCode = (sessionId: string, name: string) => {
    const at = Date.now();
    const startedAt = at + requests++; // time stands still, but each code answers a request of its own
    return apply(sessionId, {
      kind: 'answered',
      at,
      startedAt,
      jitter: 0,
      outcome: { kind: 'code', digest: name, image: name, text: null },
    });
  };

  async function watched(sink: Sink, sessionId: string, options: { after?: number; isVisible?: boolean } = {}): Promise<Subscription> {
    const subscription = world.hub.subscribe({ sessionId, by: WATCHER, sink, ...options });
    await subscription.first;
    await settle();
    return subscription;
  }

  return { world: () => world, newSession, apply, showCode, watched };
}

/** `queued` holds the sessions that are watched, and `counts` their visible viewers. */
function openWorld() {
  const sessions = openMemorySessions(createMemoryStore(), DEFAULT_POLICY);
  const queued = new Map<string, number>();
  const counts = new Map<string, number>();
  const starts: string[] = [];
  /** Viewers on other gateways. */
  const others = { count: 10 };
  /** Ms until the instance may be asked. */
  const waits = new Map<string, number>();
  const queue = {
    async ensure({ sessionId }: PollTarget, until: number) {
      starts.push(sessionId);
      queued.set(sessionId, until);
      return waits.get(sessionId) ?? 0;
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
      return count + others.count;
    },
    sumOf: (sessionId: string) => (counts.get(sessionId) ?? 0) + others.count,
  };
  const meters = createMeters();
  const hub: Hub = openHub({
    ...{ sessions, watching, viewerCounts, clock },
    policy: DEFAULT_POLICY,
    gatewayId: 'here',
    streamMeters: createStreamMeters(meters),
    log: createLog('test', 'silent'),
    renewEveryMs: RENEW_EVERY_MS,
  });
  return { sessions, watching, queued, counts, starts, waits, others, hub, meters };
}

/** Resolves when everything that is under way has settled. */
export const settle = () => vi.advanceTimersByTimeAsync(0);

/**
 * A sink that gives credit when the test says so, or at once. Without room it is sent one message at
 * a time.
 */
export function newSink(isQuick = false, hasRoom = true) {
  const messages: ViewerMessage[] = [];
  const closed: CloseReason[] = [];
  const credits: (() => void)[] = [];
  const sink: Sink = {
    transport: 'sse',
    send(message, sent) {
      messages.push(message);
      if (message.kind === 'session') void message.session; // now: the next state is written over it
      if (isQuick) sent();
      else credits.push(sent);
    },
    hasRoom: () => hasRoom,
    askedAt: () => 0,
    close: (reason) => void closed.push(reason),
  };
  return {
    sink,
    messages,
    closed,
    /** The messages in short: the picture or the kind of a state, and `fresh`. */
    told: () => messages.map((one) => (one.kind === 'fresh' ? 'fresh' : (one.session.code?.image ?? one.session.state))),
    credit: () => credits.shift()?.(),
  };
}
