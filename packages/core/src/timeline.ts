/**
 * The timeline of a session: what happened to it, for whoever is asked why a login failed. Each
 * change that somebody could notice adds an entry, and so does each gateway with viewers. Renewals
 * of a code add none. No entry holds a code, an account, a secret or an address.
 *
 * An entry is stored as a JSON array in a line of its own (`encodeChange`, `encodeDelivery`). An
 * array of unknown shape is skipped when it is read, because another version may have written it.
 */

import { z } from 'zod';
import type { Outcome } from './outcome.ts';
import type { SessionEvent } from './reduce.ts';
import type { Session } from './session.ts';

const CAUSES = {
  created: 'The session was created.',
  watched: 'Somebody began to watch, or looked again.',
  hidden: 'All who watch have hidden the page.',
  unwatched: 'Nobody has watched for the grace period.',
  abandoned: 'Nobody watches, and the tenant is suspended or deleted.',
  resumed: 'A new attempt was begun after an end.',
  started_over: 'The person left the password step for a new code.',
  cancelled: 'The session was deleted, or replaced by another one.',
  elapsed: 'Time passed: a code became stale, or a deadline was over.',
  slow: 'The provider has not answered for 8 s.',
  host_slow: 'The host of the instance answers most requests slowly.',
  host_fine: 'The host answers as usual again.',
  postponed: "The provider's Retry-After holds for the instance.",
  password_refused: 'The password was refused.',
  answered: 'The provider answered a request, or sent a notification, or a request was refused here: see `answer`.',
} as const;

type Cause = keyof typeof CAUSES;

const causeSchema = z.enum(Object.keys(CAUSES) as [Cause, ...Cause[]]).meta({
  id: 'TimelineCause',
  description: Object.entries(CAUSES)
    .map(([cause, words]) => `- \`${cause}\`: ${words}`)
    .join('\n'),
});

const changeSchema = z
  .object({
    kind: z.literal('change'),
    at: z.number().int().describe('When it happened, Unix ms'),
    version: z.number().int().describe('The version of the session from then on'),
    cause: causeSchema,
    answer: z
      .string()
      .nullable()
      .describe(
        'With `answered`, what was said: `code`, `authorized`, `not_authorized`, `password_wanted`, `suspended`, `logged_out`, a notice, or the reason of a refusal. Null otherwise',
      ),
    tookMs: z
      .number()
      .int()
      .nullable()
      .describe(
        'How long the answer took, ms. Null if no request was made: a notification said it, or this service itself refused the request',
      ),
    state: z.string().describe('The state from then on'),
    notice: z.string().nullable().describe('The code of the notice from then on'),
    endReason: z.string().nullable().describe('The reason of the end, in the state `ended`'),
    isUnwatched: z.boolean().describe('Nobody looks at a session that may be logging in, so only its state is asked for'),
    codes: z.number().int().describe('How many codes the attempt has shown so far'),
    repeats: z
      .number()
      .int()
      .describe(
        'How many entries before this one were left out: in each, all who watch hid the page or looked again, and nothing else changed',
      ),
  })
  .meta({ id: 'TimelineChange' });

const deliverySchema = z
  .object({
    kind: z.literal('delivery'),
    at: z.number().int().describe('The end of the time that the entry sums up, Unix ms'),
    sinceMs: z.number().int().describe('The length of that time, ms: up to a minute'),
    gateway: z.string().describe('Tells gateways apart. A gateway gets a new id when it starts'),
    viewers: z.number().int().describe('The most viewers that it had at once'),
    messages: z.number().int().describe('Messages that it sent to them'),
    slowestMs: z
      .number()
      .int()
      .nullable()
      .describe('The longest time from a change until a viewer who waited for it was sent it, ms. Null if none waited'),
  })
  .meta({ id: 'TimelineDelivery' });

export const timelineEntrySchema = z.discriminatedUnion('kind', [changeSchema, deliverySchema]).meta({ id: 'TimelineEntry' });

export type TimelineEntry = z.infer<typeof timelineEntrySchema>;
export type TimelineDelivery = z.infer<typeof deliverySchema>;
type TimelineChange = z.infer<typeof changeSchema>;

export const timelineSchema = z
  .object({
    sessionId: z.string().describe('The session that it is about'),
    entries: z.array(timelineEntrySchema).describe('Oldest first'),
    isCut: z.boolean().describe('Whether older changes were dropped: about the newest 70 changes and 30 deliveries are kept'),
  })
  .meta({ id: 'Timeline' });

export type Timeline = z.infer<typeof timelineSchema>;

/** In front of the lines once older ones were dropped. */
export const CUT_LINE = '~';

/** The line for the change that `event` made; '' if nobody could notice it. */
export function encodeChange(before: Session, after: Session, event: SessionEvent): string {
  if (!isNoticeable(before, after)) return '';
  const { state } = after;
  const isAnswer = event.kind === 'answered';
  const word = state.kind === 'ended' ? state.reason : 'notice' in state ? (state.notice?.code ?? '') : '';
  const line = [
    'c',
    event.at - after.createdAt,
    after.version,
    snakeCase(event.kind),
    isAnswer ? answerWord(event.outcome) : '',
    isAnswer && event.at > event.startedAt ? event.at - event.startedAt : -1,
    state.kind,
    word,
    after.isUnwatched ? 1 : 0,
    after.codes,
    ...(isToggle(before, after) ? [`${REPEATED}0`] : []),
  ];
  return JSON.stringify(line);
}

/**
 * Before the number of lines that were left out in front of a toggle. session-commit-3.lua counts
 * it up.
 */
const REPEATED = '+';

/**
 * Somebody hid the page or looked again, and nothing else changed. A person can do that every second.
 */
function isToggle(before: Session, after: Session): boolean {
  return !isNoticeable({ ...before, isUnwatched: after.isUnwatched }, after);
}

/** `createdAt`: of the session, Unix ms. */
export function encodeDelivery(
  { at, sinceMs, gateway, viewers, messages, slowestMs }: Omit<TimelineDelivery, 'kind'>,
  createdAt: number,
): string {
  return JSON.stringify(['d', at - createdAt, sinceMs, gateway, viewers, messages, slowestMs ?? -1]);
}

/** `text`: lines as they are stored, '' for none. */
export function decodeTimeline({ id, createdAt }: Pick<Session, 'id' | 'createdAt'>, text: string): Timeline {
  const lines = text.split('\n');
  const isCut = lines[0] === CUT_LINE;
  const entries = lines.flatMap((line) => decodeLine(line, createdAt)).sort((a, b) => a.at - b.at);
  return { sessionId: id, entries: isCut ? entries : [createdEntry(createdAt), ...entries], isCut };
}

/** Renewals of a code, and the fences of requests, are not noticeable. */
function isNoticeable(before: Session, after: Session): boolean {
  return (
    before.state.kind !== after.state.kind ||
    noticeOf(before) !== noticeOf(after) ||
    before.codes !== after.codes ||
    before.startedAt !== after.startedAt ||
    before.isUnwatched !== after.isUnwatched ||
    before.login !== after.login ||
    before.failures !== after.failures ||
    before.refusals !== after.refusals ||
    before.logoutsLeft !== after.logoutsLeft ||
    before.startOvers !== after.startOvers
  );
}

const noticeOf = ({ state }: Session): string | null => ('notice' in state ? (state.notice?.code ?? null) : null);

function answerWord(outcome: Outcome): string {
  if (outcome.kind === 'trouble') return outcome.code;
  return outcome.kind === 'refused' ? outcome.reason : snakeCase(outcome.kind);
}

/** As all words of the contract are written. */
const snakeCase = (word: string): string => word.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);

function decodeLine(line: string, createdAt: number): readonly TimelineEntry[] {
  const fields = parsedOrNull(line);
  const entry = !Array.isArray(fields) ? null : fields[0] === 'c' ? changeOf(fields, createdAt) : deliveryOf(fields, createdAt);
  const { data } = timelineEntrySchema.safeParse(entry);
  return data === undefined ? [] : [data];
}

/** The schema checks what it returns. */
function changeOf(
  [, after, version, cause, answer, tookMs, state, word, unwatched, codes, repeated = `${REPEATED}0`]: unknown[],
  createdAt: number,
): unknown {
  const isEnd = state === 'ended';
  return {
    kind: 'change',
    at: createdAt + Number(after),
    version,
    cause,
    answer: answer === '' ? null : answer,
    tookMs: tookMs === -1 ? null : tookMs,
    state,
    notice: isEnd || word === '' ? null : word,
    endReason: isEnd ? word : null,
    isUnwatched: unwatched === 1,
    codes,
    repeats: Number(repeated),
  };
}

/** The schema checks what it returns. */
function deliveryOf([, after, sinceMs, gateway, viewers, messages, slowestMs]: unknown[], createdAt: number): unknown {
  return {
    kind: 'delivery',
    at: createdAt + Number(after),
    sinceMs,
    gateway,
    viewers,
    messages,
    slowestMs: slowestMs === -1 ? null : slowestMs,
  };
}

function createdEntry(at: number): TimelineChange {
  const nothing = { answer: null, tookMs: null, notice: null, endReason: null, isUnwatched: false, codes: 0, repeats: 0 };
  return { kind: 'change', at, version: 1, cause: 'created', state: 'idle', ...nothing };
}

function parsedOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // a SyntaxError: '', the cut line, or damage
  }
}
