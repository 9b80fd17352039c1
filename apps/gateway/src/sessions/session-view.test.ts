import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import { createMemoryStore, openMemorySessions } from '@qrcast/runtime/sessions/sessions-memory';
import { sampleSession } from '@qrcast/runtime/test/runtime';
import { expect, it } from 'vitest';
import { createSessionView } from './session-view.ts';

const T = 1_790_000_000_000;

it.each([
  ['shown while its time lasts', DEFAULT_POLICY.codeTtlMs - 1, { state: 'showing', code: { image: 'A' } }],
  ['not shown when that is over before all is read', DEFAULT_POLICY.codeTtlMs, { state: 'waiting', code: null }],
])('a code is %s', async (_what, readForMs, shown) => {
  let now = T;
  const sessions = openMemorySessions(createMemoryStore(), DEFAULT_POLICY);
  const session = sampleSession({}, T);
  await sessions.create(session, '');
  await sessions.apply(session.id, { kind: 'watched', at: T });
  const outcome = { kind: 'code', digest: 'A', image: 'A', text: null } as const;
  await sessions.apply(session.id, { kind: 'answered', at: T, startedAt: T, jitter: 0, outcome });
  const view = createSessionView({
    sessions,
    watching: { current: async (id, known) => (await sessions.current(id, now, known))?.after ?? null },
    viewerCounts: {
      async read() {
        now += readForMs; // Redis is slow
        return 1;
      },
    },
    clock: { now: () => now },
  });
  const read = await view.refresh(await sessions.read(session.id));
  expect(await view.present(read)).toMatchObject(shown);
});
