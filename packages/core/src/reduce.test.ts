/**
 * The machine's truth table. Its type leaves no cell out: a new state, event or outcome does not
 * compile until each of its cells is decided. SPEC.md has the same table in words, and a test
 * here keeps the two equal. Cells that depend on more than the state are in reduce-cases.test.ts,
 * whole logins in reduce-scenarios.test.ts.
 */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { answered, type Expected, FENCE, NOW, observed, policy, SESSIONS, STALE_AT, STARTED, type TableState } from '../test/fixtures.ts';
import type { Outcome } from './outcome.ts';
import { reduce, type SessionEvent } from './reduce.ts';

type EventName = Exclude<SessionEvent['kind'], 'answered'> | Outcome['kind'];

const LATE_ANSWERS = {
  code: 'same',
  suspended: 'same',
  notAuthorized: 'same',
  passwordWanted: 'same',
  trouble: 'same',
  refused: 'same',
  loggedOut: 'same',
} as const;
const FINAL = {
  ...LATE_ANSWERS,
  watched: 'same',
  hidden: 'same',
  unwatched: 'same',
  abandoned: 'same',
  resumed: 'same',
  startedOver: 'same',
  cancelled: 'same',
  elapsed: 'same',
  slow: 'same',
  hostSlow: 'same',
  hostFine: 'same',
  postponed: 'same',
  passwordRefused: 'same',
  authorized: 'same',
} as const;

/**
 * Half way through an attempt: no code stale, nothing expected of the account, nothing to log out,
 * no earlier failure.
 */
const TABLE: Record<TableState, Record<EventName, Expected>> = {
  idle: {
    watched: 'told waiting',
    hidden: 'same',
    unwatched: 'same',
    abandoned: 'same',
    resumed: 'same',
    startedOver: 'same',
    cancelled: 'told ended',
    elapsed: 'same',
    slow: 'same',
    hostSlow: 'same',
    hostFine: 'same',
    postponed: 'same',
    passwordRefused: 'same',
    code: 'kept idle',
    authorized: 'told connected',
    suspended: 'kept idle',
    notAuthorized: 'kept idle',
    passwordWanted: 'kept idle',
    trouble: 'kept idle',
    refused: 'kept idle',
    loggedOut: 'kept idle',
  },
  waiting: {
    watched: 'same',
    hidden: 'same',
    unwatched: 'told idle',
    abandoned: 'told idle',
    resumed: 'same',
    startedOver: 'told waiting',
    cancelled: 'told ended',
    elapsed: 'same',
    slow: 'told waiting',
    hostSlow: 'told waiting',
    hostFine: 'same',
    postponed: 'told waiting',
    passwordRefused: 'same',
    code: 'told showing',
    authorized: 'told connected',
    suspended: 'told waiting',
    notAuthorized: 'kept waiting',
    passwordWanted: 'told password',
    trouble: 'told waiting',
    refused: 'told waiting',
    loggedOut: 'told waiting',
  },
  showing: {
    watched: 'same',
    hidden: 'kept showing',
    unwatched: 'kept showing',
    abandoned: 'told idle',
    resumed: 'same',
    startedOver: 'told waiting',
    cancelled: 'told ended',
    elapsed: 'same',
    slow: 'told showing',
    hostSlow: 'same',
    hostFine: 'same',
    postponed: 'told showing',
    passwordRefused: 'same',
    code: 'told showing',
    authorized: 'told connected',
    suspended: 'told waiting',
    notAuthorized: 'kept showing',
    passwordWanted: 'told password',
    trouble: 'told showing',
    refused: 'told showing',
    loggedOut: 'told waiting',
  },
  password: {
    watched: 'same',
    hidden: 'kept password',
    unwatched: 'kept password',
    abandoned: 'told idle',
    resumed: 'same',
    startedOver: 'told waiting',
    cancelled: 'told ended',
    elapsed: 'same',
    slow: 'told password',
    hostSlow: 'same',
    hostFine: 'same',
    postponed: 'told password',
    passwordRefused: 'told password',
    code: 'told showing',
    authorized: 'told connected',
    suspended: 'told waiting',
    notAuthorized: 'told waiting',
    passwordWanted: 'kept password',
    trouble: 'told password',
    refused: 'told password',
    loggedOut: 'told waiting',
  },
  connected: FINAL,
  ended: FINAL,
  endedResumable: {
    ...LATE_ANSWERS,
    watched: 'same',
    hidden: 'same',
    unwatched: 'same',
    abandoned: 'same',
    resumed: 'told waiting',
    startedOver: 'same',
    cancelled: 'told ended',
    elapsed: 'same',
    slow: 'same',
    hostSlow: 'same',
    hostFine: 'same',
    postponed: 'same',
    passwordRefused: 'same',
    authorized: 'told connected',
  },
};

const OUTCOMES: { readonly [Kind in Outcome['kind']]: Extract<Outcome, { kind: Kind }> } = {
  code: { kind: 'code', image: 'data:image/png;base64,c2Vjb25k', digest: 'second', text: null },
  authorized: { kind: 'authorized', account: null },
  suspended: { kind: 'suspended' },
  notAuthorized: { kind: 'notAuthorized' },
  passwordWanted: { kind: 'passwordWanted' },
  trouble: { kind: 'trouble', code: 'provider_timeout' },
  refused: { kind: 'refused', reason: 'credentials_rejected' },
  loggedOut: { kind: 'loggedOut' },
};
const isOutcome = (name: EventName): name is Outcome['kind'] => name in OUTCOMES;

function eventOf(name: EventName, at = NOW): SessionEvent {
  if (isOutcome(name)) return answered(OUTCOMES[name], { at });
  if (name === 'slow') return { kind: 'slow', at, startedAt: STARTED, retryAt: at + 5_000 };
  if (name === 'postponed') return { kind: 'postponed', at, retryAt: at + 20_000 };
  if (name === 'passwordRefused') return { kind: 'passwordRefused', at, code: 'password_rejected' };
  if (name === 'startedOver') return { kind: 'startedOver', at, startedAt: STARTED };
  return { kind: name, at };
}

const STATES = Object.keys(TABLE) as readonly TableState[]; // the record's keys are exactly these
const EVENTS = Object.keys(TABLE.idle) as readonly EventName[]; // these are all events
const cells = STATES.flatMap((state) => EVENTS.map((event) => ({ state, event, expected: TABLE[state][event] })));

describe('truth table', () => {
  test.each(cells)('$state, $event: $expected', ({ state, event, expected }) => {
    const before = SESSIONS[state];
    expect(observed(before, reduce(policy, before, eventOf(event)))).toBe(expected);
  });

  test('SPEC.md has the same table', () => {
    expect(specTable()).toEqual(TABLE);
  });
});

describe('time is applied before every event', () => {
  const live = ['waiting', 'showing', 'password'] as const;

  test.each(live.flatMap((state) => EVENTS.map((event) => ({ state, event }))))('deadline of $state, then $event', ({ state, event }) => {
    const before = SESSIONS[state];
    const after = reduce(policy, before, eventOf(event, before.deadlineAt));
    const expected = TABLE.endedResumable[event];
    expect(observed(before, after)).toBe(expected === 'same' ? 'told ended' : expected);
  });

  test.each(EVENTS)('a stale code, then %s: as if it had been waiting', (event) => {
    const before = SESSIONS.showing;
    const after = reduce(policy, before, eventOf(event, STALE_AT));
    // After a code was shown, a person who looks away may be approving the login.
    const expected = event === 'unwatched' ? 'kept waiting' : TABLE.waiting[event];
    expect(after.state.kind).toBe(expected === 'same' ? 'waiting' : expected.split(' ')[1]);
    expect(after.toldVersion).toBeGreaterThan(before.version);
  });

  test.each(EVENTS)('expiry, then %s: ended for good, and sent to viewers', (event) => {
    for (const state of ['idle', ...live, 'endedResumable'] as const) {
      const before = SESSIONS[state];
      const after = reduce(policy, before, eventOf(event, before.expiresAt));
      expect(after.state, state).toEqual({ kind: 'ended', reason: 'expired' });
      expect(after.toldVersion, state).toBe(after.version);
    }
    for (const state of ['connected', 'ended'] as const) {
      expect(reduce(policy, SESSIONS[state], eventOf(event, SESSIONS[state].expiresAt)), state).toBe(SESSIONS[state]);
    }
  });
});

describe('answers of the last accepted request and of earlier ones change nothing', () => {
  test.each(STATES.flatMap((state) => Object.values(OUTCOMES).map((outcome) => ({ state, outcome }))))(
    '$state, $outcome.kind',
    ({ state, outcome }) => {
      for (const startedAt of [FENCE, FENCE - 1])
        expect(reduce(policy, SESSIONS[state], answered(outcome, { startedAt })), `${startedAt - FENCE}`).toBe(SESSIONS[state]);
    },
  );

  test('a slow request from before the fence changes nothing', () => {
    const slow: SessionEvent = { kind: 'slow', at: NOW, startedAt: FENCE - 1, retryAt: NOW };
    for (const state of STATES) expect(reduce(policy, SESSIONS[state], slow), state).toBe(SESSIONS[state]);
  });
});

/**
 * The table between SPEC.md's `truth-table` marks: a row for each event, a column for each state.
 */
function specTable(): Record<string, Record<string, string>> {
  const text = readFileSync(new URL('../SPEC.md', import.meta.url), 'utf8');
  const [, block = ''] = /<!-- truth-table -->\n([\s\S]*?)<!-- \/truth-table -->/.exec(text) ?? [];
  const rows = block
    .trim()
    .split('\n')
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.replaceAll('`', '').trim()),
    );
  const [header = [], , ...body] = rows;
  const column = (index: number) => Object.fromEntries(body.map((cells) => [cells[0], cells[index]]));
  return Object.fromEntries(header.slice(1).map((state, index) => [state, column(index + 1)]));
}
