/**
 * For tests: one session in memory and the handlers that poll it. The test sets what the provider
 * answers, and what the time is.
 */

import { randomBytes } from 'node:crypto';
import type { HostState } from '@qrcast/core/host-weather';
import type { Outcome, PollMethod } from '@qrcast/core/outcome';
import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import type { NewSession, Session } from '@qrcast/core/session';
import type { Credentials } from '@qrcast/provider/credentials';
import { sealCredentials } from '@qrcast/runtime/keyring/credentials-vault';
import { createKeyring, type Keyring } from '@qrcast/runtime/keyring/keyring';
import { createLog } from '@qrcast/runtime/log';
import { createMeters } from '@qrcast/runtime/metrics/meters';
import type { Claim, Lease, PollHandlers, PollTarget } from '@qrcast/runtime/polling/poll-queue';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import { createMemoryStore, type MemoryStore, openMemorySessions } from '@qrcast/runtime/sessions/sessions-memory';
import { sampleSession } from '@qrcast/runtime/test/runtime';
import { beforeEach, expect } from 'vitest';
import { createHostRefusals } from '../src/polls/host-refusals.ts';
import { createPollMeters } from '../src/polls/poll-meters.ts';
import { createPollHandlers, type PollDeps } from '../src/polls/poll-session.ts';

/** When each test begins, Unix ms. */
export const T = 1_790_000_000_000;
export const HOST = 'http://127.0.0.1:4000';
export const CODE = { kind: 'code', digest: 'AAAA', image: 'data:image/png;base64,AAAA', text: null } as const satisfies Outcome;

/** What a test may look at, and change at any time. */
interface Polls {
  now: number;
  store: MemoryStore;
  sessions: Sessions;
  /** The one that each test begins with: somebody watches it. */
  session: Session;
  /** That of the session that was made last. */
  target: PollTarget;
  /** Whether a renewal finds the session in the queue. */
  inQueue: boolean;
  /** Whether its tenant is not suspended. */
  isActive: boolean;
  answer: (method: PollMethod) => Outcome | Promise<Outcome>;
  /** That of the provider's host. */
  hostState: HostState;
  /** How long the reading of a code takes. */
  readingMs: number;
  /** The texts that can be read so far, by digest. */
  texts: Map<string, string>;
  /** What the provider was asked. */
  asked: { method: PollMethod; credentials: Credentials }[];
  /** What was put into the queue. */
  ensured: { sessionId: string; until: number; dueAt: number | undefined }[];
  /** Instances during whose logout a loss was not told. */
  loggedOut: string[];
}

const targetOf = ({ id, instanceKey, tenantId }: Session): PollTarget => ({ sessionId: id, instanceKey, tenantId });

function newPolls(): Polls {
  const session = sampleSession({}, T);
  const store = createMemoryStore();
  return {
    now: T,
    store,
    sessions: openMemorySessions(store, DEFAULT_POLICY),
    session,
    target: targetOf(session),
    inQueue: false,
    isActive: true,
    answer: () => CODE,
    hostState: 'fine',
    readingMs: 0,
    texts: new Map(),
    asked: [],
    ensured: [],
    loggedOut: [],
  };
}

/** Call it at the top of a test file. */
export function preparePolls() {
  const keyring = createKeyring([{ id: 'k1', key: randomBytes(32) }]);
  const polls = newPolls();

  async function created(fields: Partial<NewSession>): Promise<Session> {
    const made = sampleSession(fields, T);
    await polls.sessions.create(made, sealCredentials(keyring, made.id, { apiUrl: HOST, apiToken: 'token-of-the-instance' }));
    polls.target = targetOf(made);
    return (await polls.sessions.apply(made.id, { kind: 'watched', at: T })) ?? made;
  }
  beforeEach(async () => {
    Object.assign(polls, newPolls());
    polls.session = await created({});
  });

  return {
    polls,
    /** Makes another session, which the target then names. */
    created,
    handlers: (upstreamHosts: readonly string[] = [HOST]): PollHandlers => createPollHandlers(depsOf(polls, keyring, upstreamHosts)),
    claim: (fields: Partial<Claim> = {}): Claim => ({ target: polls.target, startedAt: polls.now, dueAt: polls.now, ask: null, ...fields }),
    lease: leaseUntil(new AbortController().signal),
    stateNow: async () => (await polls.sessions.find(polls.target.sessionId))?.state,
  };
}

export function leaseUntil(signal: AbortSignal): Lease {
  return { signal, require: () => signal.throwIfAborted() };
}

function depsOf(polls: Polls, keyring: Keyring, upstreamHosts: readonly string[]): PollDeps {
  const clock = { now: () => polls.now };
  return {
    sessions: polls.sessions,
    provider: {
      poll: async (credentials, method) => {
        polls.asked.push({ method, credentials });
        return polls.answer(method);
      },
      sendPassword: () => expect.unreachable('a worker hands over no password'),
      getSettings: () => expect.unreachable('a worker reads no settings'),
      setSettings: () => expect.unreachable('a worker changes no settings'),
      close: async () => undefined,
    },
    hostRefusals: createHostRefusals(clock),
    hostSpeeds: { stateOf: () => polls.hostState },
    pollMeters: createPollMeters({
      meters: createMeters(),
      concurrency: 1,
      countAnswer: () => undefined,
      hostSpeeds: { note: () => undefined },
    }),
    tenants: { isActive: async () => polls.isActive },
    hostSlots: { run: (_host, _tenantId, request) => request() },
    codeReader: {
      read: async ({ digest }) => {
        polls.now += polls.readingMs;
        return polls.texts.get(digest) ?? null;
      },
    },
    queue: {
      renew: async (targets) => (polls.inQueue ? [] : targets),
      ensure: async ({ sessionId }, until, dueAt) => {
        polls.ensured.push({ sessionId, until, dueAt });
        return 0;
      },
    },
    connected: {
      async duringLogout({ instanceId }, request) {
        polls.loggedOut.push(instanceId);
        return request();
      },
    },
    keyring,
    upstreamHosts,
    clock,
    log: createLog('test', 'silent'),
  };
}
