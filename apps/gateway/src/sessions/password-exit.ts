/**
 * The requests to the provider that lead out of the password step: the state first, then a logout
 * if the password is still wanted. No poll can begin meanwhile: it would use up the one request a
 * second that the provider allows.
 */

import { setTimeout as delay } from 'node:timers/promises';
import type { Outcome, PollMethod } from '@qrcast/core/outcome';
import { MIN_SPACING_MS } from '@qrcast/core/schedule';
import type { Session } from '@qrcast/core/session';
import type { Provider } from '@qrcast/provider/provider';
import type { ConnectedInstances } from '@qrcast/runtime/connected/connected';
import type { InstanceHolds } from '@qrcast/runtime/polling/instance-hold';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { InstanceCredentials } from './instance-credentials.ts';
import type { Watching } from './watching.ts';
import { whileHeld } from './while-held.ts';

export interface PasswordExitDeps {
  readonly provider: Pick<Provider, 'poll'>;
  readonly connected: Pick<ConnectedInstances, 'duringLogout'>;
  readonly holds: Pick<InstanceHolds, 'take' | 'retryAfterMs'>;
  readonly instanceCredentials: InstanceCredentials;
  readonly watching: Pick<Watching, 'current'>;
  readonly clock: Clock;
}

export interface ProviderAnswer {
  readonly startedAt: number;
  readonly outcome: Outcome;
}

/**
 * What the instance was found to be: out of the password step, still in it after a logout that
 * failed, or something else. `over`: the session itself had left the step before anything was asked.
 */
export type Exit =
  | { readonly kind: 'over' }
  | { readonly kind: 'left'; readonly startedAt: number }
  | { readonly kind: 'logoutFailed'; readonly outcome: Outcome }
  | ({ readonly kind: 'elsewhere' } & ProviderAnswer);

/** A request that is under way may take this long before the call is refused. */
const HOLD_WITHIN_MS = 10_000;

/** The function @throws {RefusedError} `too_many_requests` if the instance does not become free. */
export function createPasswordExit(deps: PasswordExitDeps): (session: Session) => Promise<Exit> {
  const { holds, watching } = deps;
  return async (session) => {
    const heldOff = await askedToWait(deps, session);
    if (heldOff !== null) return { kind: 'elsewhere', ...heldOff };
    return whileHeld(holds, session.instanceKey, HOLD_WITHIN_MS, async (keepRetryAfter) => {
      if ((await watching.current(session.id))?.state.kind !== 'password') return { kind: 'over' };
      const exit = await leave(deps, session);
      if ('outcome' in exit) keepRetryAfter(retryAfterOf(exit.outcome));
      return exit;
    });
  };
}

async function leave(deps: PasswordExitDeps, session: Session): Promise<Exit> {
  const answer = await askState(deps, session);
  if (answer.outcome.kind === 'notAuthorized') return { kind: 'left', startedAt: answer.startedAt };
  if (answer.outcome.kind !== 'passwordWanted') return { kind: 'elsewhere', ...answer };
  // A reading of the settings may have been told to wait meanwhile.
  const logout = (await askedToWait(deps, session)) ?? (await ask(deps, session, 'logout'));
  return logout.outcome.kind === 'loggedOut'
    ? { kind: 'left', startedAt: logout.startedAt }
    : { kind: 'logoutFailed', outcome: logout.outcome };
}

/** While a Retry-After holds for the instance: as if the provider had answered 429 again. */
async function askedToWait({ holds, clock }: PasswordExitDeps, { instanceKey }: Session): Promise<ProviderAnswer | null> {
  const retryAfterMs = Math.ceil(await holds.retryAfterMs(instanceKey));
  return retryAfterMs === 0 ? null : { startedAt: clock.now(), outcome: { kind: 'trouble', code: 'rate_limited', retryAfterMs } };
}

/**
 * Another program may have asked within the same second, so a short 429 is followed by a second
 * try.
 */
async function askState(deps: PasswordExitDeps, session: Session): Promise<ProviderAnswer> {
  const first = await ask(deps, session, 'state');
  const { outcome } = first;
  if (outcome.kind !== 'trouble' || outcome.code !== 'rate_limited' || retryAfterOf(outcome) > MIN_SPACING_MS) return first;
  await delay(MIN_SPACING_MS);
  return ask(deps, session, 'state');
}

async function ask(deps: PasswordExitDeps, session: Session, method: PollMethod): Promise<ProviderAnswer> {
  const { provider, connected, instanceCredentials, clock } = deps;
  const credentials = await instanceCredentials.require(session);
  const startedAt = clock.now();
  const request = (): Promise<Outcome> => provider.poll(credentials, method);
  const outcome = await (method === 'logout' ? connected.duringLogout(session, request) : request());
  return { startedAt, outcome };
}

const retryAfterOf = (outcome: Outcome): number => (outcome.kind === 'trouble' ? (outcome.retryAfterMs ?? 0) : 0);
