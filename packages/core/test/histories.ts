/**
 * Random histories of a session for the property tests: every event and outcome, in any order and
 * at any distance.
 */

import fc from 'fast-check';
import type { Outcome, RefusalReason, TroubleCode } from '../src/outcome.ts';
import type { SessionEvent } from '../src/reduce.ts';
import { MIN_SPACING_MS, type Policy } from '../src/schedule.ts';
import type { Session } from '../src/session.ts';
import { created, T0 } from './fixtures.ts';

const notices: readonly TroubleCode[] = [
  'instance_starting',
  'provider_not_ready',
  'provider_timeout',
  'provider_refused',
  'provider_unreachable',
  'provider_error',
  'rate_limited',
];
export const refusals: readonly RefusalReason[] = ['credentials_rejected', 'instance_deleted', 'instance_expired', 'instance_blocked'];
const PHONES = ['79990000000', '79991111111'] as const;

/** What each picture says. Two of them say the same. Not every poll learns it. */
const TEXTS = { a: 'first', b: 'first', c: 'second', d: 'third' } as const;

const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.boolean())
      .map(([digest, isRead]): Outcome => ({ kind: 'code', image: '', digest, text: isRead ? TEXTS[digest] : null })),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(null, { wid: null, phone: null }, ...PHONES.map((phone) => ({ wid: `${phone}@c.us`, phone })))
      .map((account): Outcome => ({ kind: 'authorized', account })),
  },
  { weight: 1, arbitrary: fc.constant<Outcome>({ kind: 'suspended' }) },
  { weight: 2, arbitrary: fc.constant<Outcome>({ kind: 'notAuthorized' }) },
  { weight: 2, arbitrary: fc.constant<Outcome>({ kind: 'passwordWanted' }) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom(...notices), fc.option(fc.integer({ min: 0, max: 90_000 }), { nil: undefined }))
      .map(([code, retryAfterMs]): Outcome => ({ kind: 'trouble', code, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) })),
  },
  { weight: 1, arbitrary: fc.constantFrom(...refusals).map((reason): Outcome => ({ kind: 'refused', reason })) },
  { weight: 1, arbitrary: fc.constant<Outcome>({ kind: 'loggedOut' }) },
);

/**
 * `after` is the time since the event before, which may be negative because clocks differ. `took`
 * is how long the request took.
 */
const moment = fc.record({
  after: fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 0, max: 8_000 }) }, fc.integer({ min: -500, max: 60_000 })),
  took: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 0, max: 900 }) }, fc.integer({ min: 0, max: 65_000 })),
  jitter: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
});

type Shape = { readonly kind: Exclude<SessionEvent['kind'], 'answered'> } | { readonly kind: 'answered'; readonly outcome: Outcome };

const shape: fc.Arbitrary<Shape> = fc.oneof(
  { weight: 14, arbitrary: outcome.map((given): Shape => ({ kind: 'answered', outcome: given })) },
  { weight: 3, arbitrary: fc.constant<Shape>({ kind: 'watched' }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Shape>({ kind: 'slow' }, { kind: 'passwordRefused' }, { kind: 'elapsed' }, { kind: 'postponed' }),
  },
  { weight: 2, arbitrary: fc.constantFrom<Shape>({ kind: 'hostSlow' }, { kind: 'hostFine' }) },
  { weight: 3, arbitrary: fc.constantFrom<Shape>({ kind: 'resumed' }, { kind: 'unwatched' }, { kind: 'hidden' }) },
  { weight: 1, arbitrary: fc.constantFrom<Shape>({ kind: 'startedOver' }, { kind: 'abandoned' }) },
  { weight: 1, arbitrary: fc.constantFrom<Shape>({ kind: 'cancelled' }, { kind: 'elapsed' }) },
);

function eventAt(at: number, { took, jitter }: { readonly took: number; readonly jitter: number }, given: Shape): SessionEvent {
  const startedAt = at - took;
  if (given.kind === 'answered') return { ...given, at, startedAt, jitter };
  if (given.kind === 'slow') return { kind: 'slow', at, startedAt, retryAt: at + 5_000 };
  if (given.kind === 'postponed') return { kind: 'postponed', at, retryAt: at + 5_000 + took };
  if (given.kind === 'startedOver') return { kind: 'startedOver', at, startedAt };
  if (given.kind === 'passwordRefused') return { kind: 'passwordRefused', at, code: 'password_rejected' };
  return { kind: given.kind, at };
}

/**
 * Mostly one event. Else the same kind again and again, as in an outage or with a wrong setting.
 */
const burst = fc.oneof(
  { weight: 9, arbitrary: fc.tuple(moment, shape).map((step) => [step]) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.array(moment, { minLength: 2, maxLength: 9, size: 'max' }), shape)
      .map(([times, given]) => times.map((when) => [when, given] as const)),
  },
);

export interface History {
  readonly policy: Policy;
  readonly first: Session;
  readonly events: readonly SessionEvent[];
}

export const history: fc.Arbitrary<History> = fc
  .record({
    policy: fc.record({
      intervalMs: fc.integer({ min: MIN_SPACING_MS, max: 10_000 }),
      codeTtlMs: fc.integer({ min: 1_000, max: 30_000 }),
      attemptMs: fc.integer({ min: 10_000, max: 180_000 }),
    }),
    relink: fc.boolean(),
    logoutOnMismatch: fc.boolean(),
    expectedPhone: fc.option(fc.constantFrom(...PHONES), { nil: null }),
    livesFor: fc.integer({ min: 60_000, max: 600_000 }),
    bursts: fc.array(burst, { minLength: 1, maxLength: 20, size: 'max' }),
  })
  .map(({ policy, relink, logoutOnMismatch, expectedPhone, livesFor, bursts }) => {
    let at = T0;
    const events = bursts.flat().map(([when, given]) => {
      at += when.after;
      return eventAt(at, when, given);
    });
    return {
      policy,
      first: created({ relink, logoutOnMismatch, expectedPhone, expiresAt: T0 + livesFor }),
      events: [{ kind: 'watched', at: T0 }, ...events],
    };
  });
