/** Sends callbacks and relayed notifications, and says when each is due again. */

import { type Attempt, relayPayload } from '@qrcast/core/callback';
import { CALLBACK_DELAYS_MS, callbackDelay, GIVE_UP_AFTER_MS, RELAY_DELAYS_MS } from '@qrcast/core/callback-schedule';
import type { CallbackLog, LoggedCallback } from '@qrcast/runtime/callbacks/callback-log';
import type { CallbackHandlers } from '@qrcast/runtime/callbacks/callback-queue';
import type { Receivers } from '@qrcast/runtime/callbacks/callback-receivers';
import type { Lane, Relayed, RelayLanes } from '@qrcast/runtime/callbacks/relay-lanes';
import type { Logger } from '@qrcast/runtime/log';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { CallbackPost, Message, PostReply } from './callback-post.ts';
import type { CallbackTurns, Turn } from './callback-turns.ts';

/** Between tries, ms; shorter ones for tests. */
export interface CallbackDelays {
  readonly callbackDelaysMs?: readonly number[] | undefined;
  readonly relayDelaysMs?: readonly number[] | undefined;
}

export interface CallbackSenderDeps extends CallbackDelays {
  readonly receivers: Receivers;
  readonly callbackLog: CallbackLog;
  readonly relayLanes: RelayLanes;
  readonly post: Pick<CallbackPost, 'send'>;
  readonly turns: CallbackTurns;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Then the lane lets others of its tenant go first. */
const RELAYED_AT_ONCE = 50;

export function createCallbackSender(deps: CallbackSenderDeps): Omit<CallbackHandlers, 'check'> {
  const { receivers, callbackLog, relayLanes, post, turns, clock, log } = deps;
  const { callbackDelaysMs = CALLBACK_DELAYS_MS, relayDelaysMs = RELAY_DELAYS_MS } = deps;

  async function send(turn: Turn, message: Message): Promise<{ reply: PostReply; attempt: Attempt }> {
    const at = clock.now();
    let isWell = false;
    try {
      const reply = await post.send(message, at);
      isWell = 'status' in reply;
      const ms = Math.max(0, clock.now() - at); // the clock may have been set back
      return { reply, attempt: { at, ms, ...outcomeOf(reply) } };
    } finally {
      turn.leave(isWell);
    }
  }

  async function settle(logged: LoggedCallback, reply: PostReply, attempt: Attempt): Promise<number | null> {
    const { id, tenantId } = logged.callback;
    const delay = callbackDelay(callbackDelaysMs, logged.failures + 1, Math.random(), retryAfterOf(reply));
    const nextAttemptAt = clock.now() + delay;
    const isOver = isGone(reply) || nextAttemptAt > logged.giveUpAt;
    const state = isDelivered(reply) ? 'delivered' : isOver ? 'failed' : 'pending';
    if (!(await callbackLog.record(logged, attempt, { state, nextAttemptAt }))) return 0; // as it is now, if it still is
    const { at: _, ...outcome } = attempt;
    if (state === 'failed')
      log.warn({ callbackId: id, tenantId, ...outcome }, 'a callback was given up; the tenant can have it sent again');
    else log.debug({ callbackId: id, tenantId, state, ...outcome }, 'callback');
    return state === 'pending' ? delay : null;
  }

  /** What faulted, or had no turn, until its time was over. */
  async function giveUpUntried(logged: LoggedCallback): Promise<number | null> {
    const { id, tenantId } = logged.callback;
    if (!(await callbackLog.record(logged, null, { state: 'failed', nextAttemptAt: 0 }))) return 0;
    log.warn({ callbackId: id, tenantId }, 'a callback was given up before its next try; the tenant can have it sent again');
    return null;
  }

  /** Resolves to null if the lane goes on with the next, else to when it does, ms. */
  async function relayFirst(lane: Lane, first: Relayed, url: string, secrets: readonly string[]): Promise<number | null> {
    const turn = turns.take(`relay ${lane.tenantId}`);
    if (typeof turn === 'number') return turn;
    const { reply, attempt } = await send(turn, { url, id: first.id, payload: relayPayload(first.body, first.at), secrets });
    if (isDelivered(reply) || isGone(reply)) {
      await relayLanes.drop(lane, first);
      return null;
    }
    const failures = await relayLanes.countFailure(lane);
    const { at: _, ...outcome } = attempt;
    log.debug({ ...lane, callbackId: first.id, failures, ...outcome }, 'a notification could not be relayed; its instance waits');
    return callbackDelay(relayDelaysMs, failures, Math.random(), retryAfterOf(reply));
  }

  /** Others wait behind it. */
  async function dropUseless(lane: Lane, first: Relayed): Promise<boolean> {
    if (!first.isReadable) log.warn(lane, 'a notification that cannot be read is dropped; was it written by another version?');
    else if (clock.now() - first.at < GIVE_UP_AFTER_MS) return false;
    else log.warn({ ...lane, callbackId: first.id }, 'a notification was not taken for a day and is not relayed any more');
    await relayLanes.drop(lane, first);
    return true;
  }

  return {
    async deliver(tenantId, id) {
      const logged = await callbackLog.find(tenantId, id);
      if (logged === null || logged.state !== 'pending') return null;
      if (clock.now() > logged.giveUpAt) return giveUpUntried(logged);
      const receiver = await receivers.find(tenantId);
      if (receiver === null) return null;
      const { callbackUrl } = receiver;
      if (callbackUrl === null) {
        const attempt = { at: clock.now(), ms: 0, error: 'not_configured' } as const;
        await callbackLog.record(logged, attempt, { state: 'failed', nextAttemptAt: 0 });
        return null;
      }
      const secrets = receiver.secrets();
      const turn = turns.take(`callback ${tenantId}`);
      if (typeof turn === 'number') return turn;
      const { reply, attempt } = await send(turn, { url: callbackUrl, id, payload: logged.callback.payload, secrets });
      return settle(logged, reply, attempt);
    },

    async relay(lane) {
      for (let i = 0; i < RELAYED_AT_ONCE; i++) {
        const first = await relayLanes.first(lane);
        if (first === null) return null;
        if (await dropUseless(lane, first)) continue;
        const receiver = await receivers.find(lane.tenantId);
        if (receiver === null || receiver.relayUrl === null) {
          await relayLanes.drop(lane, first); // nobody wants it any more
        } else {
          const dueInMs = await relayFirst(lane, first, receiver.relayUrl, receiver.secrets());
          if (dueInMs !== null) return dueInMs;
        }
      }
      return 0;
    },
  };
}

/** As it is logged. */
function outcomeOf(reply: PostReply): Pick<Attempt, 'status' | 'error' | 'cause'> {
  if ('status' in reply) return { status: reply.status };
  return { error: reply.error, ...(reply.cause === undefined ? {} : { cause: reply.cause }) };
}

const isDelivered = (reply: PostReply): boolean => 'status' in reply && reply.status >= 200 && reply.status < 300;
/** Its server wants this message no more. */
const isGone = (reply: PostReply): boolean => 'status' in reply && reply.status === 410;
const retryAfterOf = (reply: PostReply): number | undefined => ('retryAfterMs' in reply ? reply.retryAfterMs : undefined);
