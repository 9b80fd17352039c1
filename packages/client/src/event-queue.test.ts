import { describe, expect, it } from 'vitest';
import { connected, showing } from '../test/session.ts';
import { createEventQueue } from './event-queue.ts';
import type { WatchEvent } from './types.ts';

const session = (version: number): WatchEvent => ({ type: 'session', data: showing(version) });
const fresh = (version: number): WatchEvent => ({ type: 'fresh', data: showing(version) });
const stale = (version: number): WatchEvent => ({ type: 'stale', data: { ...showing(version), code: null } });
const final = (version: number): WatchEvent => ({ type: 'final', data: connected(version) });
const OPEN: WatchEvent = { type: 'connection', data: { status: 'open', transport: 'sse' } };
const CLOSED: WatchEvent = { type: 'connection', data: { status: 'closed' } };

async function rest(queue: AsyncIterable<WatchEvent>): Promise<string[]> {
  const read: string[] = [];
  for await (const { type, data } of queue) read.push('version' in data ? `${type} ${data.version}` : `${type} ${data.status}`);
  return read;
}

function ended(...events: WatchEvent[]): Promise<string[]> {
  const queue = createEventQueue(() => undefined);
  for (const event of events) queue.push(event);
  queue.end();
  return rest(queue);
}

describe('the unread events of a slow reader', () => {
  it('have the newest state, as a session event if a session event was missed', async () => {
    expect(await ended(session(1), fresh(2), session(3), fresh(4))).toEqual(['session 4']);
    expect(await ended(session(1), stale(1))).toEqual(['session 1']);
    expect(await ended(fresh(2), fresh(3))).toEqual(['fresh 3']);
    expect(await ended(fresh(2), stale(2))).toEqual(['stale 2']);
    expect(await ended(stale(2), fresh(3))).toEqual(['fresh 3']);
    expect(await ended(stale(2), session(3))).toEqual(['session 3']);
  });

  it('have the state as it is shown now', async () => {
    const queue = createEventQueue(() => undefined);
    queue.push(session(1));
    queue.push(stale(1));
    expect((await queue.next()).value).toMatchObject({ type: 'session', data: { code: null } });
  });

  it('always have the final event, and the newest event last', async () => {
    const flood = Array.from({ length: 1_000 }, (_, i) => session(i + 1));
    expect(await ended(OPEN, ...flood, session(1_001), CLOSED, final(1_001))).toEqual(['session 1001', 'connection closed', 'final 1001']);
    expect(await ended(session(1), OPEN)).toEqual(['session 1', 'connection open']);
  });
});

describe('a reader that keeps up', () => {
  it('gets each event, also if it asks for several at once', async () => {
    const queue = createEventQueue(() => undefined);
    const asked = [queue.next(), queue.next(), queue.next()];
    queue.push(session(1));
    queue.push(fresh(2));
    queue.end();
    queue.push(session(3));
    expect((await Promise.all(asked)).map(({ value }) => value?.type)).toEqual(['session', 'fresh', undefined]);
  });

  it('ends at once when it leaves, even while it waits, and reports that once', async () => {
    let left = 0;
    const queue = createEventQueue(() => left++);
    const waiting = queue.next();
    queue.push(session(1));
    await waiting;
    queue.push(session(2));
    const asked = queue.next();
    const pending = queue.next();
    await queue.return();
    expect([(await asked).value?.type, (await pending).done, (await queue.next()).done, left]).toEqual(['session', true, true, 1]);
  });
});
