import type { Outcome } from '@qrcast/core/outcome';
import { DEFAULT_POLICY, MIN_SPACING_MS } from '@qrcast/core/schedule';
import { CLAIM_AHEAD_MS } from '@qrcast/runtime/polling/poll-queue';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CODE, HOST, leaseUntil, preparePolls, T } from '../../test/polls.ts';

const { polls, created, handlers, claim, lease, stateNow } = preparePolls();
afterEach(() => vi.useRealTimers());

describe('a poll of one session', () => {
  it('asks with the decrypted credentials, applies the answer, and returns when the next poll is due', async () => {
    expect(await handlers().poll(claim(), lease)).toMatchObject({
      nextAt: T + DEFAULT_POLICY.intervalMs,
      notBefore: undefined,
    });
    expect(polls.asked).toEqual([
      { method: 'qr', credentials: { instanceId: polls.session.instanceId, apiToken: 'token-of-the-instance', apiUrl: HOST } },
    ]);
    expect(String((await polls.sessions.read(polls.target.sessionId))?.image)).toBe(CODE.image);
  });

  it('counts the interval from when its request was sent, however long Redis took since the claim', async () => {
    const early = claim();
    const readSealed = polls.sessions.readSealed;
    vi.spyOn(polls.sessions, 'readSealed').mockImplementation(async (id) => {
      polls.now += 3_000;
      return readSealed(id);
    });
    const sentAt = T + 3_000;
    expect(await handlers().poll(early, lease)).toMatchObject({ nextAt: sentAt + DEFAULT_POLICY.intervalMs });
  });

  it('asks nothing if its lease has ended since the claim', async () => {
    const lost = new AbortController();
    const readSealed = polls.sessions.readSealed;
    vi.spyOn(polls.sessions, 'readSealed').mockImplementation(async (id) => {
      lost.abort();
      return readSealed(id);
    });
    await expect(handlers().poll(claim(), leaseUntil(lost.signal))).rejects.toThrow();
    expect(polls.asked).toEqual([]);
  });

  it('adds the text of a code, even if only a later poll reads it', async () => {
    await handlers().poll(claim(), lease);
    expect(await stateNow()).toMatchObject({ kind: 'showing', code: { text: null } });
    polls.texts.set(CODE.digest, 'link');
    polls.now += DEFAULT_POLICY.intervalMs;
    await handlers().poll(claim(), lease);
    expect(await stateNow()).toMatchObject({ kind: 'showing', code: { text: 'link', issuedAt: T } });
  });

  it('counts the time of a code from its answer, however long it is read', async () => {
    polls.readingMs = 150;
    await handlers().poll(claim(), lease);
    expect(await stateNow()).toMatchObject({ code: { issuedAt: T, staleAt: T + DEFAULT_POLICY.codeTtlMs } });
  });

  it("is never due early after trouble, because the tick's lead time is added", async () => {
    polls.answer = () => ({ kind: 'trouble', code: 'rate_limited', retryAfterMs: 7_000 });
    const { nextAt } = await handlers().poll(claim(), lease);
    const noticed = await stateNow();
    expect(noticed).toMatchObject({ kind: 'waiting', notice: { code: 'rate_limited' } });
    expect(nextAt).toBe((noticed?.kind === 'waiting' ? (noticed.notice?.retryAt ?? 0) : 0) + CLAIM_AHEAD_MS);
  });

  it.each(['goes on', 'was cancelled meanwhile'])(
    'tells when its instance may be asked again, if the provider named that: the session %s',
    async (name) => {
      polls.answer = async () => {
        if (name !== 'goes on') await polls.sessions.apply(polls.target.sessionId, { kind: 'cancelled', at: T });
        return { kind: 'trouble', code: 'rate_limited', retryAfterMs: 700_000 };
      };
      const polled = await handlers().poll(claim(), lease);
      expect(polled).toMatchObject({ nextAt: name === 'goes on' ? polls.session.deadlineAt : T + 10_000, notBefore: T + 700_000 });
    },
  );

  it('is due at the deadline at the latest, and then ends the attempt without a request', async () => {
    polls.now = polls.session.deadlineAt - 1_000;
    expect(await handlers().poll(claim(), lease)).toMatchObject({ nextAt: polls.session.deadlineAt });
    polls.now = polls.session.deadlineAt;
    expect(await handlers().poll(claim(), lease)).toMatchObject({ nextAt: null });
    expect(polls.asked).toHaveLength(1);
    expect(await stateNow()).toEqual({ kind: 'ended', reason: 'deadline' });
  });

  it.each([
    ['gone', async () => ({ sessionId: 'ses_none', instanceKey: 'x', tenantId: 'acme' })],
    [
      'idle',
      async () => {
        await polls.sessions.apply(polls.target.sessionId, { kind: 'unwatched', at: T });
        return polls.target;
      },
    ],
    [
      'cancelled',
      async () => {
        await polls.sessions.apply(polls.target.sessionId, { kind: 'cancelled', at: T });
        return polls.target;
      },
    ],
  ] as const)('asks nothing for a session that is %s', async (_name, prepare) => {
    const polled = await handlers().poll(claim({ target: await prepare() }), lease);
    expect(polled).toEqual({ nextAt: null, wasAsked: false }); // its instance may be asked at once
    expect(polls.asked).toEqual([]);
  });

  it('uses the state method when told to, but not before a logout that is due', async () => {
    await handlers().poll(claim({ ask: 'state' }), lease);
    await created({ relink: true });
    polls.answer = () => ({ kind: 'authorized', account: null });
    await handlers().poll(claim(), lease);
    polls.now += 2_000;
    await handlers().poll(claim({ ask: 'state' }), lease);
    expect(polls.asked.map(({ method }) => method)).toEqual(['state', 'qr', 'logout']);
  });

  it('continues until a wrong account is logged out, even if nobody watches', async () => {
    const strict = await created({ expectedPhone: '79990000000', logoutOnMismatch: true });
    polls.answer = () => ({ kind: 'authorized', account: { wid: null, phone: '79991111111' } });
    expect((await handlers().poll(claim(), lease)).nextAt).toBeGreaterThan(T);
    expect(polls.ensured).toEqual([{ sessionId: strict.id, until: strict.deadlineAt + 15_000, dueAt: T + MIN_SPACING_MS }]);
    await handlers().unwatched(polls.target);
    expect((await stateNow())?.kind).toBe('waiting');
    polls.answer = () => ({ kind: 'loggedOut' });
    polls.now += MIN_SPACING_MS;
    expect(await handlers().poll(claim(), lease)).toMatchObject({ nextAt: polls.now + 10_000 });
    expect(polls.asked.map(({ method }) => method)).toEqual(['qr', 'logout']);
    expect(polls.loggedOut).toEqual([strict.instanceId]); // so that this is not told as a lost account
    expect(await stateNow()).toEqual({ kind: 'ended', reason: 'account_mismatch' });
  });

  it('sends no token to a host that was removed from the list', async () => {
    await handlers(['*.api.green-api.com']).poll(claim(), lease);
    expect(polls.asked).toEqual([]);
    expect(await stateNow()).toMatchObject({ kind: 'waiting', notice: { code: 'provider_refused' } });
  });

  it('gives viewers a notice about a slow request, and still uses its answer', async () => {
    vi.useFakeTimers();
    const reply = Promise.withResolvers<Outcome>();
    polls.answer = () => reply.promise;
    const polled = handlers().poll(claim(), lease);
    await vi.advanceTimersByTimeAsync(7_999);
    expect(await stateNow()).toEqual({ kind: 'waiting', notice: null });
    await vi.advanceTimersByTimeAsync(1);
    expect(await stateNow()).toEqual({ kind: 'waiting', notice: { code: 'provider_timeout', retryAt: T + 65_000 } });
    polls.now = T + 50_000;
    reply.resolve(CODE);
    await polled;
    expect(await stateNow()).toMatchObject({ kind: 'showing', notice: null, code: { issuedAt: polls.now } });
  });

  it('tells a session that waits of a slow host before its request, and makes no other request for it', async () => {
    const notices: unknown[] = [];
    polls.answer = async () => {
      notices.push(await stateNow());
      return { kind: 'notAuthorized' };
    };
    for (const state of ['slow', 'slow', 'down', 'fine'] as const) {
      polls.hostState = state;
      polls.now += 5_000;
      await handlers().poll(claim(), lease);
    }
    const told = { kind: 'waiting', notice: { code: 'provider_slow', retryAt: T + 5_000 } };
    expect(notices).toEqual([told, told, told, { kind: 'waiting', notice: null }]);
    expect(polls.asked).toHaveLength(4);
  });

  it('leaves a code of a slow host as it is', async () => {
    await handlers().poll(claim(), lease);
    const shown = await polls.sessions.find(polls.session.id);
    polls.hostState = 'slow';
    polls.now += 5_000;
    await handlers().poll(claim(), lease);
    const after = await polls.sessions.find(polls.session.id);
    expect(after).toMatchObject({ state: { kind: 'showing', notice: null }, toldVersion: shown?.toldVersion });
  });

  it('ignores the answer to an overtaken request', async () => {
    const reply = Promise.withResolvers<Outcome>();
    polls.answer = () => reply.promise;
    const slow = handlers().poll(claim(), lease);
    polls.answer = () => ({ ...CODE, digest: 'BBBB', image: 'data:image/png;base64,BBBB' });
    polls.now = T + 6_000;
    await handlers().poll(claim(), lease);
    reply.resolve(CODE);
    await slow;
    expect(await stateNow()).toMatchObject({ kind: 'showing', code: { digest: 'BBBB' } });
  });

  it('is the last request after a login, but the session is looked at once more', async () => {
    polls.answer = () => ({ kind: 'authorized', account: null });
    expect(await handlers().poll(claim(), lease)).toMatchObject({ nextAt: T + 10_000 });
    expect(polls.ensured).toEqual([{ sessionId: polls.session.id, until: T + 25_000, dueAt: T + 10_000 }]);
    expect(await stateNow()).toMatchObject({ kind: 'connected' });
    polls.now += 10_000;
    expect(await handlers().poll(claim(), lease)).toMatchObject({ nextAt: null });
    expect(polls.asked).toHaveLength(1);
  });

  it('finds a login again that Redis has lost since', async () => {
    polls.answer = () => ({ kind: 'authorized', account: null });
    const before = new Map(polls.store.sessions);
    expect(await handlers().poll(claim(), lease)).toMatchObject({ nextAt: T + 10_000 });
    for (const [id, stored] of before) polls.store.sessions.set(id, stored);
    polls.now += 10_000;
    await handlers().poll(claim(), lease);
    expect(polls.asked).toHaveLength(2);
    expect(await stateNow()).toMatchObject({ kind: 'connected' });
  });

  it('makes a session idle that fell out of the queue, unless a viewer returned', async () => {
    polls.inQueue = true;
    await handlers().unwatched(polls.target);
    expect((await stateNow())?.kind).toBe('waiting');
    polls.inQueue = false;
    await handlers().unwatched(polls.target);
    expect((await stateNow())?.kind).toBe('idle');
  });
});
