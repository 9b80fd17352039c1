import type { SessionEvent } from '@qrcast/core/reduce';
import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import { createLog } from '@qrcast/runtime/log';
import { createMemoryStore, openMemorySessions } from '@qrcast/runtime/sessions/sessions-memory';
import { sampleSession } from '@qrcast/runtime/test/runtime';
import { expect, it } from 'vitest';
import { createStateNotifications } from './state-notifications.ts';

const T = 1_790_000_000_000;
const NOW = T + 5_000;

/** Takes a notification at `NOW`; a poll that began at `pollAt` is answered while it is taken. */
async function take(pollAt: number): Promise<{ readonly state: string | undefined; readonly checks: number }> {
  const sessions = openMemorySessions(createMemoryStore(), DEFAULT_POLICY);
  const session = sampleSession({}, T);
  await sessions.create(session, '');
  await sessions.apply(session.id, { kind: 'watched', at: T });
  const polled: SessionEvent = { kind: 'answered', at: NOW, startedAt: pollAt, jitter: 0, outcome: { kind: 'notAuthorized' } };
  let checks = 0;
  const takeState = createStateNotifications({
    index: { current: async () => session.id } as never,
    sessions,
    watching: {
      async change(id: string, event: SessionEvent) {
        await sessions.apply(id, polled);
        return sessions.change(id, event);
      },
      check: async () => void checks++,
    } as never,
    connected: { remember: async () => undefined, said: async () => undefined } as never,
    clock: { now: () => NOW },
    log: createLog('test', 'silent'),
  });
  const instanceData = { idInstance: session.instanceId };
  const timestamp = Math.floor(NOW / 1_000);
  const notification = { typeWebhook: 'stateInstanceChanged', instanceData, timestamp, stateInstance: 'pendingPassword' } as const;
  await takeState(session.tenantId, notification, () => undefined);
  return { state: (await sessions.find(session.id))?.state.kind, checks };
}

it.each([
  ['before it: believed', NOW - 1, { state: 'password', checks: 0 }],
  ['in the same millisecond: checked', NOW, { state: 'waiting', checks: 1 }],
  ['after it: checked', NOW + 1, { state: 'waiting', checks: 1 }],
])('a notification while a poll is answered that began %s', async (_when, pollAt, expected) => {
  expect(await take(pollAt)).toEqual(expected);
});
