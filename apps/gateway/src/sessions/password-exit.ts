/**
 * The requests to the provider that lead out of the password step: the state first, then a logout
 * if the password is still wanted.
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

export interface PasswordExitDeps {
  readonly provider: Pick<Provider, 'poll'>;
  readonly connected: Pick<ConnectedInstances, 'duringLogout'>;
  readonly holds: Pick<InstanceHolds, 'retryAfterMs' | 'keepRetryAfter'>;
  readonly instanceCredentials: InstanceCredentials;
  readonly clock: Clock;
}

export interface ProviderAnswer {
  readonly startedAt: number;
  readonly outcome: Outcome;
}

/**
 * What the instance was found to be: out of the password step, still in it after a logout that
 * failed, or something else.
 */
export type Exit =
  | { readonly kind: 'left'; readonly startedAt: number }
  | { readonly kind: 'logoutFailed'; readonly outcome: Outcome }
  | ({ readonly kind: 'elsewhere' } & ProviderAnswer);

export function createPasswordExit(deps: PasswordExitDeps): (session: Session) => Promise<Exit> {
  return async (session) => {
    const answer = await askState(deps, session);
    if (answer.outcome.kind === 'notAuthorized') return { kind: 'left', startedAt: answer.startedAt };
    if (answer.outcome.kind !== 'passwordWanted') return { kind: 'elsewhere', ...answer };
    const logout = await ask(deps, session, 'logout');
    return logout.outcome.kind === 'loggedOut'
      ? { kind: 'left', startedAt: logout.startedAt }
      : { kind: 'logoutFailed', outcome: logout.outcome };
  };
}

/** A poll may have asked within the same second, so a short 429 is followed by a second try. */
async function askState(deps: PasswordExitDeps, session: Session): Promise<ProviderAnswer> {
  const first = await ask(deps, session, 'state');
  const { outcome } = first;
  if (outcome.kind !== 'trouble' || outcome.code !== 'rate_limited' || (outcome.retryAfterMs ?? 0) > MIN_SPACING_MS) return first;
  await delay(MIN_SPACING_MS);
  return ask(deps, session, 'state');
}

/**
 * While a Retry-After holds for the instance, this asks nothing, and resolves as if the provider
 * had answered 429 again.
 */
async function ask(deps: PasswordExitDeps, session: Session, method: PollMethod): Promise<ProviderAnswer> {
  const { provider, connected, holds, instanceCredentials, clock } = deps;
  const credentials = await instanceCredentials.require(session);
  const startedAt = clock.now();
  const holdMs = await holds.retryAfterMs(session.instanceKey);
  if (holdMs > 0) return { startedAt, outcome: { kind: 'trouble', code: 'rate_limited', retryAfterMs: Math.ceil(holdMs) } };
  const request = (): Promise<Outcome> => provider.poll(credentials, method);
  const outcome = await (method === 'logout' ? connected.duringLogout(session, request) : request());
  if (outcome.kind === 'trouble' && outcome.retryAfterMs !== undefined)
    await holds.keepRetryAfter(session.instanceKey, outcome.retryAfterMs);
  return { startedAt, outcome };
}
