/**
 * What every `Sessions` must do, wherever it stores records. Two handles on one store stand for two
 * processes.
 */

import type { SessionEvent } from '@qrcast/core/reduce';
import type { SessionFacts } from '@qrcast/core/session-facts';
import { encodeDelivery } from '@qrcast/core/timeline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WatchedState } from '../src/sessions/published-state.ts';
import type { Sessions } from '../src/sessions/sessions.ts';
import { sampleSession } from './runtime.ts';

export interface SessionsPair {
  readonly here: Sessions;
  readonly there: Sessions;
  close(): Promise<void>;
}

const T = Date.now();

const codeEvent = (name: string, at: number, text: string | null = null): SessionEvent => ({
  kind: 'answered',
  at,
  startedAt: at,
  jitter: 0,
  outcome: { kind: 'code', digest: name, image: `data:image/png;base64,${name}`, text },
});

interface Seen {
  readonly session: SessionFacts;
  readonly image: string | null;
}

/** Collects states. `until` resolves with the first that fits, past or future. */
function collector() {
  const seen: Seen[] = [];
  const waiting = new Set<() => void>();
  return {
    seen,
    /** The picture of a state is overwritten by the next. */
    add({ session, image }: WatchedState): void {
      seen.push({ session, image: image && String(image) });
      for (const wake of waiting) wake();
    },
    until(fits: (state: Seen) => boolean): Promise<Seen> {
      return new Promise((resolve) => {
        const look = (): void => {
          const found = seen.find(fits);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      });
    },
  };
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: a suite whose tests share one set-up.
export function describeSessions(name: string, open: () => Promise<SessionsPair>): void {
  // biome-ignore lint/complexity/noExcessiveLinesPerFunction: the same suite.
  describe(`Sessions contract: ${name}`, () => {
    let pair: SessionsPair;
    beforeEach(async () => {
      pair = await open();
    });
    afterEach(() => pair.close());

    it('stores a session once and reads it back with its sealed credentials apart', async () => {
      const session = sampleSession();
      await pair.here.create(session, 'sealed-text');
      expect(await pair.there.read(session.id)).toEqual({ session: { ...session, stamp: expect.any(String) }, image: null });
      expect(await pair.there.readSealed(session.id)).toBe('sealed-text');
      await expect(pair.there.create(session, 'other')).rejects.toThrow('exists already');
      expect(await pair.here.readSealed(session.id)).toBe('sealed-text');
    });

    it('forgets the credentials of a session that has ended for good, and keeps those of one that can be resumed', async () => {
      const [resumable, cancelled] = [sampleSession({}, T), sampleSession({}, T)];
      for (const session of [resumable, cancelled]) {
        await pair.here.create(session, 'sealed-text');
        await pair.here.apply(session.id, { kind: 'watched', at: T + 1 });
      }
      expect((await pair.there.apply(resumable.id, { kind: 'elapsed', at: T + 180_001 }))?.state).toEqual({
        kind: 'ended',
        reason: 'deadline',
      });
      expect(await pair.here.readSealed(resumable.id)).toBe('sealed-text');
      await pair.there.apply(cancelled.id, { kind: 'cancelled', at: T + 2 });
      expect(await pair.here.readSealed(cancelled.id)).toBeNull();
      expect((await pair.here.find(cancelled.id))?.state).toEqual({ kind: 'ended', reason: 'cancelled' });
    });

    it('deletes a record at the moment it was given, and never later than an earlier one', async () => {
      const { id } = await created();
      await pair.here.expire(id, Date.now() + 60_000);
      expect((await pair.there.find(id))?.id).toBe(id);
      await pair.there.expire(id, Date.now() - 1);
      await pair.there.expire(id, Date.now() + 60_000);
      expect([await pair.here.find(id), await pair.here.read(id), await pair.here.readSealed(id)]).toEqual([null, null, null]);
      expect(await pair.here.apply(id, { kind: 'cancelled', at: T + 2 })).toBeNull();
      await pair.here.expire('ses_none', Date.now());
    });

    it('tells each caller what its event did: of two that end a session, one ended it', async () => {
      const { id } = await created();
      const cancel = { kind: 'cancelled', at: T + 2 } as const;
      const changes = await Promise.all([pair.here.change(id, cancel), pair.there.change(id, cancel)]);
      expect(changes.map((change) => change?.after.state)).toEqual(Array(2).fill({ kind: 'ended', reason: 'cancelled' }));
      expect(changes.filter((change) => change !== null && change.after !== change.before)).toHaveLength(1);
      const again = await pair.here.change(id, cancel);
      expect(again?.after).toBe(again?.before);
      expect(await pair.here.change('ses_none', cancel)).toBeNull();
    });

    it('deletes a record as it was read, but not once it has changed', async () => {
      const { id } = await created();
      const before = await pair.here.find(id);
      const after = await pair.there.apply(id, codeEvent('AAAA', T + 10));
      if (before === null || after === null) return expect.unreachable('it was just made');
      expect(await pair.here.remove(before)).toBe(false);
      expect((await pair.there.find(id))?.version).toBe(after.version);
      expect([await pair.here.remove(after), await pair.here.remove(after)]).toEqual([true, true]);
      expect(await pair.there.read(id)).toBeNull();
    });

    it('knows only sessions that were created', async () => {
      expect(await pair.here.read('ses_none')).toBeNull();
      expect(await pair.here.readSealed('ses_none')).toBeNull();
      expect(await pair.here.apply('ses_none', { kind: 'watched', at: T })).toBeNull();
      const watch = pair.here.watch('ses_none', () => expect.unreachable('a change of nothing'));
      expect(await watch.first).toBeNull();
      watch.close();
    });

    it('keeps the picture beside the record while its code is shown, and drops it after', async () => {
      const { id } = await created();
      await pair.here.apply(id, codeEvent('AAAA', T + 10));
      expect((await pair.there.read(id))?.image).toBe('data:image/png;base64,AAAA');
      await pair.there.apply(id, codeEvent('AAAA', T + 20));
      expect((await pair.here.read(id))?.image).toBe('data:image/png;base64,AAAA');
      await pair.here.apply(id, codeEvent('BBBB', T + 30));
      expect((await pair.there.read(id))?.image).toBe('data:image/png;base64,BBBB');
      await pair.here.apply(id, { kind: 'cancelled', at: T + 40 });
      expect((await pair.there.read(id))?.image).toBeNull();
    });

    it('keeps the picture shown first when another one says the same: digest, text and picture stay together', async () => {
      const { id } = await created();
      await pair.here.apply(id, codeEvent('AAAA', T + 10, 'link'));
      await pair.there.apply(id, codeEvent('BBBB', T + 20, 'link'));
      const kept = await pair.here.read(id);
      expect(kept?.session.state).toMatchObject({ kind: 'showing', code: { digest: 'AAAA', text: 'link' } });
      expect(kept?.image).toBe('data:image/png;base64,AAAA');
    });

    it('returns the session unchanged for an event that changes nothing, and tells nobody', async () => {
      const { id } = await created();
      const seen = collector();
      const watch = pair.there.watch(id, seen.add);
      const first = await watch.first;
      expect(await pair.here.apply(id, { kind: 'watched', at: T + 5 })).toMatchObject({ ...first?.session, state: { kind: 'waiting' } });
      await pair.here.apply(id, { kind: 'cancelled', at: T + 6 });
      expect((await seen.until(() => true)).session.state).toEqual({ kind: 'ended', reason: 'cancelled' });
      watch.close();
    });

    it('decides by the stored record, not by the one that a caller remembers', async () => {
      const session = sampleSession({}, T);
      await pair.here.create(session, '');
      await pair.there.apply(session.id, { kind: 'watched', at: T + 1 });
      // On the remembered idle record `unwatched` would change nothing. On the stored one it does.
      const after = await pair.here.apply(session.id, { kind: 'unwatched', at: T + 2 }, { remembered: session });
      expect(after?.state.kind).toBe('idle');
      expect(after?.version).toBeGreaterThan(2);
    });

    it('takes "nothing to do" from a record that the caller has just read, and changes only the stored one', async () => {
      const session = sampleSession({}, T);
      await pair.here.create(session, '');
      const stands = await pair.there.apply(session.id, { kind: 'watched', at: T + 1 });
      const change = await pair.here.change(session.id, { kind: 'elapsed', at: T + 2 }, { justRead: session });
      expect(change?.after.version).toBe(change?.before.version);
      const after = await pair.here.apply(session.id, { kind: 'cancelled', at: T + 3 }, { justRead: session });
      expect(after).toMatchObject({ state: { kind: 'ended' }, version: (stands?.version ?? 0) + 1 });
      expect((await pair.there.find(session.id))?.version).toBe(after?.version);
    });

    it('shows the session as it is now: what time has changed is stored once, and nothing before its moment', async () => {
      const session = sampleSession({}, T);
      await pair.here.create(session, '');
      const watched = await pair.here.apply(session.id, { kind: 'watched', at: T + 1 });
      const deadlineAt = watched?.deadlineAt ?? expect.unreachable('it was just made');
      const early = await pair.there.current(session.id, deadlineAt - 1);
      expect([early?.after, early?.before]).toEqual([watched, watched]);
      const changes = await Promise.all([
        pair.here.current(session.id, deadlineAt),
        pair.there.current(session.id, deadlineAt, { remembered: session }),
      ]);
      expect(changes.map((change) => change?.after.state)).toEqual(Array(2).fill({ kind: 'ended', reason: 'deadline' }));
      expect(changes.filter((change) => change !== null && change.after !== change.before)).toHaveLength(1);
      expect(await pair.here.find(session.id)).toEqual(changes[0]?.after);
      expect(await pair.here.current('ses_none', T)).toBeNull();
    });

    it('loses no event when two processes change one session at once', async () => {
      const { id } = await created();
      const events = Array.from({ length: 40 }, (_, i) => codeEvent(`C${i}`, T + 10 + i));
      const results = await Promise.all(events.map((event, i) => (i % 2 === 0 ? pair.here : pair.there).apply(id, event)));
      const last = await pair.here.read(id);
      expect(last?.session.fence).toBe(T + 49);
      expect(last?.image).toBe('data:image/png;base64,C39');
      // Every accepted event made exactly one version. Events that started before the winner's made
      // none.
      const versions = new Set(results.map((session) => session?.version));
      expect(Math.max(...[...versions].map((version) => version ?? 0))).toBe(last?.session.version);
    });

    it('keeps a timeline of what happened, and of what else is added', async () => {
      const { id } = await created();
      await pair.here.apply(id, codeEvent('first', T + 2));
      await pair.there.apply(id, codeEvent('first', T + 3)); // renews the code
      const delivery = { at: T + 4, sinceMs: 60_000, gateway: 'gw_1', viewers: 2, messages: 3, slowestMs: 5 };
      await pair.there.addToTimeline(id, encodeDelivery(delivery, T));
      await pair.here.apply(id, { kind: 'cancelled', at: T + 5 });
      expect(await pair.there.timeline(id)).toMatchObject({
        sessionId: id,
        isCut: false,
        entries: [
          { cause: 'created', at: T },
          { cause: 'watched', state: 'waiting', at: T + 1 },
          { cause: 'answered', answer: 'code', state: 'showing', at: T + 2 },
          { kind: 'delivery', ...delivery },
          { cause: 'cancelled', endReason: 'cancelled', at: T + 5 },
        ],
      });
    });

    it('has no timeline of a session that there is not, and adds none', async () => {
      await pair.here.addToTimeline('ses_none', '[]');
      expect(await pair.here.timeline('ses_none')).toBeNull();
      expect(await pair.here.exists('ses_none')).toBe(false);
    });

    it('gives a watcher the current state first, then only newer ones, the last included', async () => {
      const { id } = await created();
      await pair.here.apply(id, codeEvent('AAAA', T + 10));
      const seen = collector();
      const watch = pair.there.watch(id, seen.add);
      const first = await watch.first;
      expect(String(first?.image)).toBe('data:image/png;base64,AAAA');
      for (let i = 0; i < 20; i++) await pair.here.apply(id, codeEvent(`N${i}`, T + 20 + i));
      await pair.here.apply(id, { kind: 'cancelled', at: T + 100 });
      await seen.until(({ session }) => session.state.kind === 'ended');
      const versions = [first?.session.version ?? 0, ...seen.seen.map(({ session }) => session.version)];
      expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
      for (const { session, image } of seen.seen) {
        if (session.state.kind === 'showing') expect(image).toBe(`data:image/png;base64,${session.state.code.digest}`);
      }
      watch.close();
    });

    it('misses nothing that happens while a watch begins', async () => {
      for (let round = 0; round < 30; round++) {
        const { id } = await created();
        const seen = collector();
        const writes = (async () => {
          for (let i = 0; i < 5; i++) await pair.here.apply(id, codeEvent(`W${i}`, T + 10 + i));
        })();
        const watch = pair.there.watch(id, seen.add);
        const first = await watch.first;
        if (first !== null) seen.add(first);
        await writes;
        const last = await seen.until(({ session }) => session.state.kind === 'showing' && session.state.code.digest === 'W4');
        expect(last.image).toBe('data:image/png;base64,W4');
        watch.close();
      }
    });

    it('tells a closed watch nothing more', async () => {
      const { id } = await created();
      const watch = pair.there.watch(id, () => expect.unreachable('a closed watch was told'));
      await watch.first;
      watch.close();
      watch.close();
      const seen = collector();
      const other = pair.there.watch(id, seen.add);
      await other.first;
      await pair.here.apply(id, { kind: 'cancelled', at: T + 50 });
      await seen.until(({ session }) => session.state.kind === 'ended');
      other.close();
    });

    async function created(): Promise<{ id: string }> {
      const session = sampleSession({}, T);
      await pair.here.create(session, '');
      await pair.here.apply(session.id, { kind: 'watched', at: T + 1 });
      return session;
    }
  });
}
