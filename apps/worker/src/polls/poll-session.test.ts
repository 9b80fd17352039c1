import { randomBytes } from 'node:crypto';
import type { Outcome, PollMethod } from '@qrcast/core/outcome';
import { DEFAULT_POLICY, MIN_SPACING_MS, UNWATCHED_INTERVALS } from '@qrcast/core/schedule';
import type { Session } from '@qrcast/core/session';
import type { Credentials } from '@qrcast/provider/credentials';
import { sealCredentials } from '@qrcast/runtime/keyring/credentials-vault';
import { createKeyring } from '@qrcast/runtime/keyring/keyring';
import { createLog } from '@qrcast/runtime/log';
import type { Claim, PollTarget } from '@qrcast/runtime/polling/poll-queue';
import { CLAIM_AHEAD_MS } from '@qrcast/runtime/polling/poll-queue';
import { createMemoryStore, openMemorySessions } from '@qrcast/runtime/sessions/sessions-memory';
import { sampleSession } from '@qrcast/runtime/test/runtime';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createHostRefusals } from './host-refusals.ts';
import { createPollHandlers } from './poll-session.ts';

const T = 1_790_000_000_000;
const HOST = 'http://127.0.0.1:4000';
const CODE = { kind: 'code', digest: 'AAAA', image: 'data:image/png;base64,AAAA', text: null } as const satisfies Outcome;

describe('a poll of one session', () => {
  const keyring = createKeyring([{ id: 'k1', key: randomBytes(32) }]);
  let now = T;
  let sessions: ReturnType<typeof openMemorySessions>;
  let session: Session;
  let target: PollTarget;
  let inQueue: boolean;
  let isActive: boolean;
  const ensured: { sessionId: string; until: number; dueAt: number | undefined }[] = [];
  const loggedOut: string[] = [];
  const asked: { method: PollMethod; credentials: Credentials }[] = [];
  let answer: (method: PollMethod) => Outcome | Promise<Outcome>;
  /** The texts that can be read so far, by digest. */
  const texts = new Map<string, string>();
  let readingMs: number;

  beforeEach(async () => {
    now = T;
    asked.length = 0;
    ensured.length = 0;
    loggedOut.length = 0;
    texts.clear();
    readingMs = 0;
    inQueue = false;
    isActive = true;
    answer = () => CODE;
    sessions = openMemorySessions(createMemoryStore(), DEFAULT_POLICY);
    session = await created({});
  });
  afterEach(() => vi.useRealTimers());

  async function created(fields: Partial<Parameters<typeof sampleSession>[0]>, apiUrl = HOST): Promise<Session> {
    const made = sampleSession(fields, T);
    await sessions.create(made, sealCredentials(keyring, made.id, { apiUrl, apiToken: 'token-of-the-instance' }));
    target = { sessionId: made.id, instanceKey: made.instanceKey, tenantId: made.tenantId };
    return (await sessions.apply(made.id, { kind: 'watched', at: T })) ?? made;
  }

  const handlers = (upstreamHosts: readonly string[] = [HOST]) =>
    createPollHandlers({
      sessions,
      provider: {
        poll: async (credentials, method) => {
          asked.push({ method, credentials });
          return answer(method);
        },
        sendPassword: () => expect.unreachable('a worker hands over no password'),
        getSettings: () => expect.unreachable('a worker reads no settings'),
        setSettings: () => expect.unreachable('a worker changes no settings'),
        close: async () => undefined,
      },
      hostRefusals: createHostRefusals({ now: () => now }),
      tenants: { isActive: async () => isActive },
      hostSlots: { run: (_host, _tenantId, request) => request() },
      codeReader: {
        read: async ({ digest }) => {
          now += readingMs;
          return texts.get(digest) ?? null;
        },
      },
      queue: {
        renew: async (targets) => (inQueue ? [] : targets),
        ensure: async ({ sessionId }, until, dueAt) => {
          ensured.push({ sessionId, until, dueAt });
          return 0;
        },
      },
      connected: {
        async duringLogout({ instanceId }, request) {
          loggedOut.push(instanceId);
          return request();
        },
      },
      keyring,
      upstreamHosts,
      clock: { now: () => now },
      log: createLog('test', 'silent'),
    });
  const claim = (fields: Partial<Claim> = {}): Claim => ({ target, startedAt: now, dueAt: now, ask: null, ...fields });
  const never = new AbortController().signal;
  const stateNow = async () => (await sessions.find(target.sessionId))?.state;

  it('asks with the opened credentials, applies the answer, and says when the next is due', async () => {
    expect(await handlers().poll(claim(), never)).toEqual({ nextAt: T + DEFAULT_POLICY.intervalMs });
    expect(asked).toEqual([
      { method: 'qr', credentials: { instanceId: session.instanceId, apiToken: 'token-of-the-instance', apiUrl: HOST } },
    ]);
    expect((await sessions.read(target.sessionId))?.image).toBe(CODE.image);
  });

  it('tells the text of a code, even if only a later poll learns it', async () => {
    await handlers().poll(claim(), never);
    expect(await stateNow()).toMatchObject({ kind: 'showing', code: { text: null } });
    texts.set(CODE.digest, 'link');
    now += DEFAULT_POLICY.intervalMs;
    await handlers().poll(claim(), never);
    expect(await stateNow()).toMatchObject({ kind: 'showing', code: { text: 'link', issuedAt: T } });
  });

  it('counts the time of a code from its answer, however long it is read', async () => {
    readingMs = 150;
    await handlers().poll(claim(), never);
    expect(await stateNow()).toMatchObject({ code: { issuedAt: T, staleAt: T + DEFAULT_POLICY.codeTtlMs } });
  });

  it('after trouble is never due early: the time that a tick takes ahead is added', async () => {
    answer = () => ({ kind: 'trouble', code: 'rate_limited', retryAfterMs: 7_000 });
    const { nextAt } = await handlers().poll(claim(), never);
    const noticed = await stateNow();
    expect(noticed).toMatchObject({ kind: 'waiting', notice: { code: 'rate_limited' } });
    expect(nextAt).toBe((noticed?.kind === 'waiting' ? (noticed.notice?.retryAt ?? 0) : 0) + CLAIM_AHEAD_MS);
  });

  it.each(['goes on', 'was cancelled meanwhile'])(
    'tells when its instance may be asked again, if the provider named that: the session %s',
    async (name) => {
      answer = async () => {
        if (name !== 'goes on') await sessions.apply(target.sessionId, { kind: 'cancelled', at: T });
        return { kind: 'trouble', code: 'rate_limited', retryAfterMs: 700_000 };
      };
      const polled = await handlers().poll(claim(), never);
      expect(polled).toEqual({ nextAt: name === 'goes on' ? session.deadlineAt : null, notBefore: T + 700_000 });
    },
  );

  it('never lets a deadline pass unnoticed: the next is due at the deadline at the latest, and ends the attempt without a request', async () => {
    now = session.deadlineAt - 1_000;
    expect(await handlers().poll(claim(), never)).toEqual({ nextAt: session.deadlineAt });
    now = session.deadlineAt;
    expect(await handlers().poll(claim(), never)).toEqual({ nextAt: null });
    expect(asked).toHaveLength(1);
    expect(await stateNow()).toEqual({ kind: 'ended', reason: 'deadline' });
  });

  it.each([
    ['gone', async () => ({ sessionId: 'ses_none', instanceKey: 'x', tenantId: 'acme' })],
    [
      'idle',
      async () => {
        await sessions.apply(target.sessionId, { kind: 'unwatched', at: T });
        return target;
      },
    ],
    [
      'cancelled',
      async () => {
        await sessions.apply(target.sessionId, { kind: 'cancelled', at: T });
        return target;
      },
    ],
  ] as const)('asks nothing for a session that is %s', async (_name, prepare) => {
    expect(await handlers().poll(claim({ target: await prepare() }), never)).toEqual({ nextAt: null });
    expect(asked).toEqual([]);
  });

  it('checks with the state method when told to, but not before a logout the session waits for', async () => {
    await handlers().poll(claim({ ask: 'state' }), never);
    await created({ relink: true });
    answer = () => ({ kind: 'authorized', account: null });
    await handlers().poll(claim(), never);
    now += 2_000;
    await handlers().poll(claim({ ask: 'state' }), never);
    expect(asked.map(({ method }) => method)).toEqual(['state', 'qr', 'logout']);
  });

  it('polls a wrong account until it is logged out, whether anybody watches or not', async () => {
    const strict = await created({ expectedPhone: '79990000000', logoutOnMismatch: true });
    answer = () => ({ kind: 'authorized', account: { wid: null, phone: '79991111111' } });
    expect((await handlers().poll(claim(), never)).nextAt).toBeGreaterThan(T);
    expect(ensured).toEqual([{ sessionId: strict.id, until: strict.deadlineAt + 15_000, dueAt: T + MIN_SPACING_MS }]);
    await handlers().unwatched(target);
    expect((await stateNow())?.kind).toBe('waiting');
    answer = () => ({ kind: 'loggedOut' });
    expect(await handlers().poll(claim(), never)).toEqual({ nextAt: null });
    expect(asked.map(({ method }) => method)).toEqual(['qr', 'logout']);
    expect(loggedOut).toEqual([strict.instanceId]); // so that this is not told as a lost account
    expect(await stateNow()).toEqual({ kind: 'ended', reason: 'account_mismatch' });
  });

  it('sends no token to a host that was removed from the list', async () => {
    await handlers(['*.api.green-api.com']).poll(claim(), never);
    expect(asked).toEqual([]);
    expect(await stateNow()).toMatchObject({ kind: 'waiting', notice: { code: 'provider_refused' } });
  });

  it('tells the viewers of a request that takes long, and takes its answer all the same', async () => {
    vi.useFakeTimers();
    const reply = Promise.withResolvers<Outcome>();
    answer = () => reply.promise;
    const polled = handlers().poll(claim(), never);
    await vi.advanceTimersByTimeAsync(7_999);
    expect(await stateNow()).toEqual({ kind: 'waiting', notice: null });
    await vi.advanceTimersByTimeAsync(1);
    expect(await stateNow()).toEqual({ kind: 'waiting', notice: { code: 'provider_timeout', retryAt: T + 65_000 } });
    now = T + 50_000;
    reply.resolve(CODE);
    await polled;
    expect(await stateNow()).toMatchObject({ kind: 'showing', notice: null, code: { issuedAt: now } });
  });

  it('ignores the answer to a request that was overtaken', async () => {
    const reply = Promise.withResolvers<Outcome>();
    answer = () => reply.promise;
    const slow = handlers().poll(claim(), never);
    answer = () => ({ ...CODE, digest: 'BBBB', image: 'data:image/png;base64,BBBB' });
    now = T + 6_000;
    await handlers().poll(claim(), never);
    reply.resolve(CODE);
    await slow;
    expect(await stateNow()).toMatchObject({ kind: 'showing', code: { digest: 'BBBB' } });
  });

  it('ends with the login, and is due no more', async () => {
    answer = () => ({ kind: 'authorized', account: null });
    expect(await handlers().poll(claim(), never)).toEqual({ nextAt: null });
    expect(await stateNow()).toMatchObject({ kind: 'connected' });
  });

  it('idles a session that fell out of the queue, unless somebody came back', async () => {
    inQueue = true;
    await handlers().unwatched(target);
    expect((await stateNow())?.kind).toBe('waiting');
    inQueue = false;
    await handlers().unwatched(target);
    expect((await stateNow())?.kind).toBe('idle');
  });

  describe('left after a code was shown', () => {
    const SLOW_MS = DEFAULT_POLICY.intervalMs * UNWATCHED_INTERVALS;

    async function leave(): Promise<void> {
      await handlers().poll(claim(), never);
      now += 1_000;
      await handlers().unwatched(target);
      asked.length = 0;
    }

    it('stays in the queue, and is asked for its state alone, at a slower pace, until the deadline', async () => {
      await leave();
      expect(ensured.at(-1)).toEqual({ sessionId: session.id, until: T + SLOW_MS + 15_000, dueAt: T + SLOW_MS });
      answer = () => ({ kind: 'notAuthorized' });
      let due = T + SLOW_MS;
      for (let polled: number | null = due; polled !== null && polled < session.deadlineAt; ) {
        due = now = polled;
        polled = (await handlers().poll(claim(), never)).nextAt;
      }
      expect(asked.map(({ method }) => method)).toEqual(Array(DEFAULT_POLICY.attemptMs / SLOW_MS - 1).fill('state'));
      now = session.deadlineAt;
      expect(await handlers().poll(claim(), never)).toEqual({ nextAt: null });
      expect(await stateNow()).toEqual({ kind: 'idle' });
    });

    it('is connected by a login that nobody looked at', async () => {
      await leave();
      answer = () => ({ kind: 'authorized', account: null });
      now = T + SLOW_MS;
      expect(await handlers().poll(claim(), never)).toEqual({ nextAt: null });
      expect((await stateNow())?.kind).toBe('connected');
    });

    it('is no longer polled once its tenant is suspended: when it is left, or at the next poll, without a request', async () => {
      await leave();
      isActive = false;
      now = T + SLOW_MS;
      expect(await handlers().poll(claim(), never)).toEqual({ nextAt: null });
      expect([asked, (await stateNow())?.kind]).toEqual([[], 'idle']);
      isActive = true;
      await created({});
      await handlers().poll(claim(), never);
      isActive = false;
      await handlers().unwatched(target);
      expect((await stateNow())?.kind).toBe('idle');
    });

    it('a watched one is polled whatever its tenant: suspended ones have no viewers', async () => {
      isActive = false;
      await handlers().poll(claim(), never);
      expect(asked).toHaveLength(1);
    });
  });
});
