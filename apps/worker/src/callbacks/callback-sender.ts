/** Sends callbacks and relayed notifications, and decides when each is due again. */

import { type Attempt, relayPayload } from '@qrcast/core/callback';
import { CALLBACK_DELAYS_MS, callbackDelay, GIVE_UP_AFTER_MS, RELAY_DELAYS_MS } from '@qrcast/core/callback-schedule';
import type { CallbackHandlers } from '@qrcast/runtime/callbacks/callback-jobs';
import type { CallbackLog, LoggedCallback } from '@qrcast/runtime/callbacks/callback-log';
import type { Receivers } from '@qrcast/runtime/callbacks/callback-receivers';
import type { Lane, Relayed, RelayLanes } from '@qrcast/runtime/callbacks/relay-lanes';
import type { Logger } from '@qrcast/runtime/log';
import type { Clock } from '@qrcast/runtime/redis/clock';
import { traced } from '@qrcast/runtime/tracing/tracing';
import { type CallbackMeters, RELAYED, type SendOutcome } from './callback-meters.ts';
import type { CallbackPost, Message, PostReply } from './callback-post.ts';
import type { CallbackSlot, CallbackSlots } from './callback-slots.ts';

/** Delays between tries, ms. Tests use shorter ones. */
export interface CallbackDelays {
  readonly callbackDelaysMs?: readonly number[] | undefined;
  readonly relayDelaysMs?: readonly number[] | undefined;
}

export interface CallbackSenderDeps extends CallbackDelays {
  readonly receivers: Receivers;
  readonly callbackLog: CallbackLog;
  readonly relayLanes: RelayLanes;
  readonly post: Pick<CallbackPost, 'send'>;
  readonly slots: CallbackSlots;
  readonly clock: Clock;
  readonly callbackMeters: CallbackMeters;
  readonly log: Logger;
}

/** Two processes seldom differ by more in what they take for Redis's clock. */
const CLOCK_ERROR_MS = 200;

/** After so many notifications a lane lets the tenant's other lanes go first. */
const RELAYED_AT_ONCE = 50;

export function createCallbackSender(deps: CallbackSenderDeps): Omit<CallbackHandlers, 'check'> {
  return { deliver: createDeliver(deps), relay: createRelay(deps) };
}

interface Sent {
  readonly reply: PostReply;
  readonly attempt: Attempt;
}

async function send({ post, clock, callbackMeters }: CallbackSenderDeps, slot: CallbackSlot, message: Message): Promise<Sent> {
  const at = clock.now();
  let hasAnswered = false;
  try {
    const reply = await post.send(message, at);
    hasAnswered = 'status' in reply;
    if ('error' in reply) callbackMeters.unanswered(reply.cause ?? reply.error);
    const ms = Math.max(0, clock.now() - at); // the clock may have been set back
    return { reply, attempt: { at, ms, ...outcomeOf(reply) } };
  } finally {
    slot.release(hasAnswered);
  }
}

function createDeliver(deps: CallbackSenderDeps): CallbackHandlers['deliver'] {
  const { receivers, callbackLog, slots, clock } = deps;
  return async (tenantId, id) => {
    const logged = await callbackLog.find(tenantId, id);
    if (logged === null || logged.state !== 'pending') return null;
    if (clock.now() > logged.giveUpAt) return giveUpUntried(deps, logged);
    // Its worker died after it had logged a try, and before it put the next one off.
    const dueInMs = logged.nextAttemptAt - clock.now();
    if (dueInMs > CLOCK_ERROR_MS) return dueInMs;
    const receiver = await receivers.find(tenantId);
    if (receiver === null) return null;
    const { callbackUrl } = receiver;
    if (callbackUrl === null) {
      const attempt = { at: clock.now(), ms: 0, error: 'not_configured' } as const;
      const isRecorded = await callbackLog.record(logged, attempt, { state: 'failed', nextAttemptAt: 0 });
      if (!isRecorded) return 0;
      deps.callbackMeters.unanswered(attempt.error);
      countTry(deps, logged, 'failed');
      return null;
    }
    const secrets = receiver.secrets();
    const slot = slots.take(`callback ${tenantId}`);
    if (typeof slot === 'number') return slot;
    return tryTraced(deps, logged, () => send(deps, slot, { url: callbackUrl, id, payload: logged.callback.payload, secrets }));
  };
}

/** The span is ours alone: the receiver gets no `traceparent`. Resolves as `settle`. */
function tryTraced(deps: CallbackSenderDeps, logged: LoggedCallback, sendIt: () => Promise<Sent>): Promise<number | null> {
  const { id, tenantId, sessionId, type } = logged.callback;
  const attributes = { 'qrcast.session': sessionId, 'qrcast.tenant': tenantId, 'qrcast.callback': id, 'qrcast.type': type };
  return traced('callback', attributes, async (note) => {
    const sent = await sendIt();
    note('status' in sent.reply ? { 'qrcast.status': sent.reply.status } : { 'qrcast.outcome': sent.reply.error });
    return settle(deps, logged, sent);
  });
}

function countTry({ callbackMeters, clock }: CallbackSenderDeps, { callback }: LoggedCallback, outcome: SendOutcome): void {
  callbackMeters.tried(callback.type, outcome, clock.now() - callback.createdAt);
}

/** Gives up a callback that faulted, or had no slot, until its time was over. */
async function giveUpUntried(deps: CallbackSenderDeps, logged: LoggedCallback): Promise<number | null> {
  const { callbackLog, log } = deps;
  const { id, tenantId } = logged.callback;
  if (!(await callbackLog.record(logged, null, { state: 'failed', nextAttemptAt: 0 }))) return 0;
  countTry(deps, logged, 'failed');
  log.warn({ callbackId: id, tenantId }, 'a callback was given up before its next try; the tenant can have it sent again');
  return null;
}

/** Records the reply to a callback. Resolves to when to try again, ms, or null if it is settled. */
async function settle(deps: CallbackSenderDeps, logged: LoggedCallback, { reply, attempt }: Sent): Promise<number | null> {
  const { callbackLog, clock, log, callbackDelaysMs = CALLBACK_DELAYS_MS } = deps;
  const { id, tenantId } = logged.callback;
  const delay = callbackDelay(callbackDelaysMs, logged.failures + 1, Math.random(), retryAfterOf(reply));
  const nextAttemptAt = clock.now() + delay;
  const isOver = isGone(reply) || nextAttemptAt > logged.giveUpAt;
  const state = isDelivered(reply) ? 'delivered' : isOver ? 'failed' : 'pending';
  if (!(await callbackLog.record(logged, attempt, { state, nextAttemptAt }))) return settleLate(deps, logged, { reply, attempt });
  countTry(deps, logged, state === 'pending' ? 'retried' : state);
  const { at: _, ...outcome } = attempt;
  if (state === 'failed') log.warn({ callbackId: id, tenantId, ...outcome }, 'a callback was given up; the tenant can have it sent again');
  else log.debug({ callbackId: id, tenantId, state, ...outcome }, 'callback');
  return state === 'pending' ? delay : null;
}

/**
 * Another worker has recorded a try meanwhile, or the tenant had the callback sent again. A delivery
 * still counts beside the other worker's failed try. Whatever else came is looked at again at once.
 */
async function settleLate(deps: CallbackSenderDeps, { callback, giveUpAt }: LoggedCallback, sent: Sent): Promise<number | null> {
  if (!isDelivered(sent.reply)) return 0;
  const logged = await deps.callbackLog.find(callback.tenantId, callback.id);
  return logged?.state === 'pending' && logged.giveUpAt === giveUpAt ? settle(deps, logged, sent) : 0;
}

function createRelay(deps: CallbackSenderDeps): CallbackHandlers['relay'] {
  const { receivers, relayLanes } = deps;
  return async (lane) => {
    for (let i = 0; i < RELAYED_AT_ONCE; i++) {
      const first = await relayLanes.first(lane);
      if (first === null) return null;
      if (await dropUseless(deps, lane, first)) continue;
      const receiver = await receivers.find(lane.tenantId);
      if (receiver === null || receiver.relayUrl === null) {
        await relayLanes.drop(lane, first); // the tenant no longer wants notifications
      } else {
        const dueInMs = await relayFirst(deps, lane, first, receiver.relayUrl, receiver.secrets());
        if (dueInMs !== null) return dueInMs;
      }
    }
    return 0;
  };
}

/** Drops a notification that cannot be sent any more, because others wait behind it. */
async function dropUseless({ relayLanes, clock, log }: CallbackSenderDeps, lane: Lane, first: Relayed): Promise<boolean> {
  if (!first.isReadable) log.warn(lane, 'a notification that cannot be read is dropped; another version may have written it');
  else if (clock.now() - first.at < GIVE_UP_AFTER_MS) return false;
  else log.warn({ ...lane, callbackId: first.id }, 'a notification was not accepted for a day and is dropped');
  await relayLanes.drop(lane, first);
  return true;
}

/** Resolves to null if the lane can go on with its next notification, else to when it may, ms. */
async function relayFirst(
  deps: CallbackSenderDeps,
  lane: Lane,
  first: Relayed,
  url: string,
  secrets: readonly string[],
): Promise<number | null> {
  const { relayLanes, slots, log, relayDelaysMs = RELAY_DELAYS_MS } = deps;
  const slot = slots.take(`relay ${lane.tenantId}`);
  if (typeof slot === 'number') return slot;
  const { reply, attempt } = await send(deps, slot, { url, id: first.id, payload: relayPayload(first.body, first.at), secrets });
  const isOver = isDelivered(reply) || isGone(reply);
  deps.callbackMeters.tried(RELAYED, isDelivered(reply) ? 'delivered' : isOver ? 'failed' : 'retried', deps.clock.now() - first.at);
  if (isOver) {
    await relayLanes.drop(lane, first);
    return null;
  }
  const failures = await relayLanes.countFailure(lane, first);
  if (failures === 0) return 0; // another worker has relayed it meanwhile: look again at once
  const { at: _, ...outcome } = attempt;
  log.debug({ ...lane, callbackId: first.id, failures, ...outcome }, 'a notification could not be relayed; its lane waits');
  return callbackDelay(relayDelaysMs, failures, Math.random(), retryAfterOf(reply));
}

/** The part of an attempt that the reply decides. */
function outcomeOf(reply: PostReply): Pick<Attempt, 'status' | 'error' | 'cause'> {
  if ('status' in reply) return { status: reply.status };
  return { error: reply.error, ...(reply.cause === undefined ? {} : { cause: reply.cause }) };
}

const isDelivered = (reply: PostReply): boolean => 'status' in reply && reply.status >= 200 && reply.status < 300;
/** The server refuses this message for good. */
const isGone = (reply: PostReply): boolean => 'status' in reply && reply.status === 410;
const retryAfterOf = (reply: PostReply): number | undefined => ('retryAfterMs' in reply ? reply.retryAfterMs : undefined);
