/**
 * One poll of one session: ask the provider what the session wants to know next, and apply the
 * answer.
 */

import type { Outcome } from '@qrcast/core/outcome';
import { isFinal, isPolled, type Session } from '@qrcast/core/session';
import {
  CLAIM_AHEAD_MS,
  type Claim,
  type Lease,
  type PollHandlers,
  type PollQueue,
  type PollTarget,
} from '@qrcast/runtime/polling/poll-queue';
import { unattendedWatch } from '@qrcast/runtime/polling/unattended-watch';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import type { TenantActivity } from '@qrcast/runtime/tenants/tenant-activity';
import { type Note, traced } from '@qrcast/runtime/tracing/tracing';
import type { CodeReader } from '../codes/code-reader.ts';
import { outcomeName } from './poll-meters.ts';
import { createPollRequest, type PollRequest, type PollRequestDeps } from './poll-session-request.ts';

export interface PollDeps extends PollRequestDeps {
  readonly sessions: Sessions;
  readonly tenants: TenantActivity;
  readonly codeReader: Pick<CodeReader, 'read'>;
  readonly queue: Pick<PollQueue, 'ensure' | 'renew'>;
  /**
   * Called as each poll starts, with how long after its due time it was claimed, ms, and whose it
   * is.
   */
  readonly onPoll?: ((lateMs: number, tenantId: string) => void) | undefined;
}

/**
 * A session whose end a poll has found is looked at once more after this. If Redis loses the end
 * before the queue has settled, the session lives again, and must not have left the queue meanwhile.
 * A failover loses what was written in the last seconds.
 */
const LOOK_AGAIN_MS = 10_000;
/** The look may be late by a dead worker's lease. */
const LOOK_MARGIN_MS = 15_000;

export function createPollHandlers(deps: PollDeps): PollHandlers {
  const { sessions, queue, tenants, clock } = deps;
  const request = createPollRequest(deps);

  return {
    async poll(claim, lease) {
      const before = (await sessions.current(claim.target.sessionId, clock.now()))?.after ?? null;
      if (before === null || !(await mayBePolled(deps, before))) return { nextAt: null, wasAsked: false };
      const lateMs = claim.startedAt - claim.dueAt;
      deps.pollMeters.begun(lateMs);
      deps.onPoll?.(lateMs, before.tenantId);
      const attributes = { 'qrcast.session': before.id, 'qrcast.tenant': before.tenantId };
      const { after, notBefore } = await traced('poll', attributes, (note) => askAndApply(deps, request, before, { claim, lease, note }));
      if (after === null || !isPolled(after)) {
        request.forget(before.id);
        const nextAt = after !== null && isFinal(after) ? await lookAgainAt(deps, claim.target) : null;
        return { nextAt, notBefore };
      }
      await keepInQueue(queue, claim.target, after);
      return { nextAt: Math.min(dueAt(after), after.deadlineAt), notBefore };
    },

    async unwatched(target) {
      const { sessionId } = target;
      request.forget(sessionId);
      const [left] = await queue.renew([target], 0);
      if (left === undefined) return; // somebody came back in between
      const kind = (await tenants.isActive(target.tenantId)) ? 'unwatched' : 'abandoned';
      await keepInQueue(queue, target, await sessions.apply(sessionId, { kind, at: clock.now() }));
    },
  };
}

/**
 * A suspended tenant's viewers are turned away, so a session of it that nobody watches is not
 * polled either.
 */
async function mayBePolled({ sessions, tenants, clock }: PollDeps, session: Session): Promise<boolean> {
  if (!isPolled(session)) return false;
  if (!session.isUnwatched || (await tenants.isActive(session.tenantId))) return true;
  await sessions.apply(session.id, { kind: 'abandoned', at: clock.now() });
  return false;
}

interface Polled {
  /** Null if the session is gone. */
  readonly after: Session | null;
  readonly notBefore: number | undefined;
}

interface Poll {
  readonly claim: Claim;
  readonly lease: Lease;
  /** To its span. */
  readonly note: Note;
}

async function askAndApply(deps: PollDeps, request: PollRequest, before: Session, { claim, lease, note }: Poll): Promise<Polled> {
  const { sessions, codeReader, clock, log } = deps;
  // A check that somebody asked for must not come before a logout or an account that the session
  // itself waits for.
  const method = before.next.ask === 'qr' ? (claim.ask ?? 'qr') : before.next.ask;
  const { outcome: answer, host, sentAt, isHostRefusing } = await request.ask(before, method, claim, lease);
  const at = clock.now(); // before the code is read, because it ages meanwhile
  const outcome = answer.kind === 'code' ? { ...answer, text: await codeReader.read(answer) } : answer;
  const event = { kind: 'answered', at, startedAt: sentAt, jitter: Math.random(), outcome, isHostRefusing } as const;
  const changed = await sessions.change(before.id, event, { remembered: before });
  const isChanged = changed !== null && changed.after !== changed.before;
  note({ 'qrcast.method': method, 'qrcast.host': host, 'qrcast.outcome': outcomeName(outcome), 'qrcast.changed': isChanged });
  log.debug({ sessionId: before.id, method, outcome: outcome.kind, lateMs: claim.startedAt - claim.dueAt }, 'polled');
  return { after: changed?.after ?? null, notBefore: retryAfterOf(outcome, at) };
}

async function lookAgainAt({ queue, clock }: PollDeps, target: PollTarget): Promise<number> {
  const at = clock.now() + LOOK_AGAIN_MS;
  await queue.ensure(target, at + LOOK_MARGIN_MS, at);
  return at;
}

async function keepInQueue(queue: PollDeps['queue'], target: PollTarget, session: Session | null): Promise<void> {
  const unattended = session === null ? null : unattendedWatch(session);
  if (unattended !== null) await queue.ensure(target, unattended.watchedUntil, unattended.dueAt);
}

/**
 * The queue claims up to `CLAIM_AHEAD_MS` early. After trouble that would be too early, because the
 * provider may have named the moment.
 */
function dueAt({ state, next }: Session): number {
  const isTroubled = 'notice' in state && state.notice !== null;
  return isTroubled ? next.at + CLAIM_AHEAD_MS : next.at;
}

/**
 * The end of a Retry-After, Unix ms. It holds for the instance, whatever becomes of the session and
 * whoever else asks.
 */
function retryAfterOf(outcome: Outcome, at: number): number | undefined {
  return outcome.kind === 'trouble' && outcome.retryAfterMs !== undefined ? at + outcome.retryAfterMs : undefined;
}
