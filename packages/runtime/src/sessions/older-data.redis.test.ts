/**
 * Redis that comes back with older data, as after a crash, a failover or a restored backup. Here one
 * session's record is put back as it was; the chaos suite does it to a whole Redis.
 */

import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import type { Session } from '@qrcast/core/session';
import type { SessionFacts } from '@qrcast/core/session-facts';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { openTestRuntime, sampleSession, type TestRuntime } from '../../test/runtime.ts';
import { sessionKey } from '../redis/keys.ts';
import type { WatchedState } from './published-state.ts';
import type { Sessions } from './sessions.ts';
import { openRedisSessions } from './sessions-redis.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/**
 * The clock of the Redis that comes back is behind. Were it not, each change would have a version
 * above those that are lost by its time alone (renumber.ts).
 */
const CLOCK_BEHIND_MS = 60_000;

interface Scene {
  readonly runtime: TestRuntime;
  readonly sessions: Sessions;
  readonly session: Session;
  /** Puts the record back as it is now. */
  save(): Promise<() => Promise<void>>;
}

async function openScene(rereadEveryMs = 3_600_000): Promise<Scene> {
  const runtime = openTestRuntime(inject('redisUrl'));
  const sessions = openRedisSessions({ ...runtime, policy: DEFAULT_POLICY, rereadEveryMs });
  open.push(runtime, sessions);
  const session = sampleSession({}, Date.now() + CLOCK_BEHIND_MS);
  await sessions.create(session, '');
  const key = sessionKey(runtime.namespace, session.id);
  return {
    runtime,
    sessions,
    session,
    async save() {
      const dump = await runtime.redis.dumpBuffer(key);
      return async () => void (await runtime.redis.restore(key, 0, dump, 'REPLACE'));
    },
  };
}

/** Watches as a gateway does: what is older is renumbered. `older` has what was told and lost. */
function watchAsGateway({ sessions, session }: Scene) {
  const told: SessionFacts[] = [];
  const older: number[] = [];
  const waiting = new Set<() => void>();
  const watch = sessions.watch(
    session.id,
    (snapshot: WatchedState) => {
      told.push(snapshot.session);
      for (const look of waiting) look();
    },
    (version) => {
      older.push(version);
      sessions.renumber(session.id, version, Date.now()).catch(() => undefined); // the test may have ended
    },
  );
  return {
    told,
    older,
    first: watch.first,
    until: (fits: (session: SessionFacts) => boolean): Promise<SessionFacts> =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = told.find(fits);
          if (found !== undefined) resolve(found);
        };
        waiting.add(look);
        look();
      }),
  };
}

const later = (ms: number): number => Date.now() + ms;

describe('a session whose record went back', () => {
  it.each([1, 20])('by %i versions is told again above them with its next change', async (lost) => {
    const scene = await openScene();
    const { sessions, session } = scene;
    const gateway = watchAsGateway(scene);
    await gateway.first;
    const goBack = await scene.save();
    for (let i = 0; i < lost; i++) await sessions.apply(session.id, { kind: i % 2 === 0 ? 'watched' : 'abandoned', at: later(i) });
    await gateway.until(({ version }) => version === 1 + lost);

    await goBack();
    await sessions.apply(session.id, { kind: 'cancelled', at: later(lost) });
    const final = await gateway.until(({ state }) => state.kind === 'ended');
    expect(final.version).toBe(2 + lost);
    expect(gateway.older).toEqual([1 + lost]);
    expect(gateway.told.map(({ version }) => version)).toEqual(Array.from({ length: lost + 1 }, (_, i) => i + 2));
    expect(await sessions.find(session.id)).toMatchObject(final);
  });

  it('is told again without another change, when it is read again', async () => {
    const scene = await openScene(50);
    const { sessions, session } = scene;
    const gateway = watchAsGateway(scene);
    await gateway.first;
    const goBack = await scene.save();
    await sessions.apply(session.id, { kind: 'watched', at: later(0) });
    await gateway.until(({ state }) => state.kind === 'waiting');
    await goBack();
    expect((await gateway.until(({ state }) => state.kind === 'idle')).version).toBe(3);
  });

  it('is told again if it ended for good meanwhile', async () => {
    const scene = await openScene();
    const { sessions, session } = scene;
    const gateway = watchAsGateway(scene);
    await gateway.first;
    const goBack = await scene.save();
    await sessions.apply(session.id, { kind: 'watched', at: later(0) });
    await sessions.apply(session.id, { kind: 'cancelled', at: later(1) });
    await gateway.until(({ version }) => version === 3);
    await goBack();
    await sessions.apply(session.id, { kind: 'cancelled', at: later(2) });
    expect(await gateway.until(({ version }) => version === 4)).toMatchObject({ state: { kind: 'ended' } });
  });

  it('is not overwritten by who remembers a lost record of the same version', async () => {
    const scene = await openScene();
    const { sessions, session } = scene;
    const goBack = await scene.save();
    const remembered = await sessions.apply(session.id, { kind: 'watched', at: later(0) });
    await goBack();
    const stands = await sessions.apply(session.id, { kind: 'cancelled', at: later(1) });
    expect(remembered?.version).toBe(stands?.version);
    expect(await sessions.apply(session.id, { kind: 'abandoned', at: later(2) }, remembered ? { remembered } : undefined)).toEqual(stands);
    expect(await sessions.find(session.id)).toEqual(stands);
  });

  it('is told again for a caller that names a version which is lost', async () => {
    const scene = await openScene();
    const { sessions, session } = scene;
    const gateway = watchAsGateway(scene);
    await gateway.first;
    expect(await sessions.renumber(session.id, 7, later(0))).toMatchObject({ version: 8, toldVersion: 8, state: { kind: 'idle' } });
    expect((await gateway.until(({ version }) => version === 8)).toldVersion).toBe(8);
    const stands = await sessions.find(session.id);
    expect(await sessions.renumber(session.id, 7, later(0))).toEqual(stands);
    expect(await sessions.renumber('ses_none', 7, later(0))).toBeNull();
  });

  it('stays silent if nobody renumbers it: the fault that this is against', async () => {
    const scene = await openScene();
    const { runtime, sessions, session } = scene;
    const told: number[] = [];
    const watch = sessions.watch(session.id, (snapshot) => told.push(snapshot.session.version));
    await watch.first;
    const goBack = await scene.save();
    await sessions.apply(session.id, { kind: 'watched', at: later(0) });
    await goBack();
    await sessions.apply(session.id, { kind: 'cancelled', at: later(1) });
    await runtime.bus.begun(); // answered after what was published
    await runtime.bus.begun(); // answered after the read that this caused
    expect(told).toEqual([2]);
  });
});
