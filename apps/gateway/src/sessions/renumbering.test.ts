import { renumber } from '@qrcast/core/renumber';
import { createSession, type Session } from '@qrcast/core/session';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createRenumbering } from './renumbering.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const made: Session = createSession(
  {
    ...{ id: 'ses_1', tenantId: 'acme', instanceId: '1101', instanceKey: 'key', reference: null, expectedPhone: null, locale: null },
    ...{ returnUrl: null, logoutOnMismatch: false, relink: false, expiresAt: 3_600_000 },
  },
  180_000,
  0,
);

function openOne() {
  const writes: number[] = [];
  let stands = made;
  const raise = createRenumbering({
    async renumber(_id, told, at) {
      const raised = renumber(stands, told, at);
      if (raised !== stands) writes.push(raised.version);
      stands = raised;
      return raised;
    },
  });
  return { raise, writes };
}

it('writes once for a thousand callers within two seconds, and each gets a version above its own', async () => {
  const { raise, writes } = openOne();
  const callers = Array.from({ length: 1_000 }, (_, i) => raise('ses_1', 10 + i, 0));
  expect(writes).toEqual([11]);
  await vi.advanceTimersByTimeAsync(2_000);
  const versions = (await Promise.all(callers)).map((session) => session?.version ?? 0);
  expect(writes).toEqual([11, 1_010]);
  versions.forEach((version, i) => void expect(version).toBeGreaterThan(10 + i));
});

it('writes at once when the last time is over, and for another session', async () => {
  const { raise, writes } = openOne();
  await raise('ses_1', 10, 0);
  await raise('ses_2', 20, 0);
  await vi.advanceTimersByTimeAsync(2_000);
  await raise('ses_1', 30, 0);
  expect(writes).toEqual([11, 21, 31]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(vi.getTimerCount()).toBe(0);
});

it('tells those who waited of a failure', async () => {
  const fail = vi.fn().mockResolvedValueOnce(made).mockRejectedValue(new Error('Redis is out'));
  const raise = createRenumbering({ renumber: fail });
  await raise('ses_1', 10, 0);
  const later = expect(raise('ses_1', 20, 0)).rejects.toThrow('Redis is out');
  await vi.advanceTimersByTimeAsync(2_000);
  await later;
});
