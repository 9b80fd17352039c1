/**
 * For tests of deploys: what viewers, the provider and the logs say about one. Pure: the caller brings
 * the records.
 */

import type { WireSession } from '@qrcast/core/wire';
import type { Instance } from '@qrcast/simulator/instance';
import type { RecordingClient } from './recording-client.ts';
import type { Heard } from './recording-connections.ts';

/** Of pino. */
const WARN = 40;

/** The lines of a process that warn of something unexpected, or that are no log. */
export function unexpectedLines(output: string, expected: readonly string[]): readonly string[] {
  return output.split('\n').filter((text) => text !== '' && !isExpected(text, expected));
}

function isExpected(text: string, expected: readonly string[]): boolean {
  if (!text.startsWith('{')) return false;
  const { level, msg } = JSON.parse(text) as { level: number; msg: string }; // pino wrote it
  return level < WARN || expected.includes(msg);
}

type Request = Instance['requests'][number];
type Told = Pick<RecordingClient, 'sessions'>;

/** Of the codes that any viewer of a session was told: how many in a row one of them missed at most. */
export function mostMissedCodes(viewers: readonly Told[]): number {
  const codesOf = (viewer: Told): number[] => viewer.sessions().flatMap(({ code }) => (code === null ? [] : [code.issuedAt]));
  const all = [...new Set(viewers.flatMap(codesOf))].toSorted((a, b) => a - b);
  const missed = viewers.flatMap((viewer) => {
    const told = new Set(codesOf(viewer));
    const places = all.flatMap((code, place) => (told.has(code) ? [place] : []));
    return [...places, all.length].map((place, i) => place - (places[i - 1] ?? -1) - 1);
  });
  return Math.max(0, ...missed);
}

/** Between the beginnings of requests, ms. */
export function gapsBetween(requests: readonly Pick<Request, 'startedAt'>[]): readonly number[] {
  const starts = requests.map(({ startedAt }) => startedAt).toSorted((a, b) => a - b);
  return starts.slice(1).map((start, i) => start - (starts[i] ?? 0));
}

/**
 * Each end of a connection of which the viewer was not told, and each that was told for another reason
 * than that the gateway drains, or that all was told. A gateway that drains refuses calls with 503, and
 * `fetch` may still keep a connection to it.
 */
export function wrongEnds(heard: readonly Heard[]): readonly string[] {
  return heard.flatMap((one, i) => {
    if (one.kind === 'closing') return one.code === 'draining' || one.code === 'done' ? [] : [one.code];
    if (one.kind !== 'lost' || heard[i - 1]?.kind === 'closing' || one.why === 'done' || one.why === 'answered 503') return [];
    return [one.why];
  });
}

const RIGHT_STATES: readonly WireSession['state'][] = ['waiting', 'showing', 'connected'];

/** Each state that a viewer should not be told while people log in at a provider that is well. */
export function wrongStates(sessions: readonly WireSession[]): readonly string[] {
  return sessions.flatMap(({ state, notice, end }, i) => {
    const isRight = RIGHT_STATES.includes(state) || (state === 'idle' && i === 0); // the first viewer of all has just come
    return isRight && notice === null ? [] : [`${state} ${notice?.code ?? ''} ${end?.reason ?? ''}`];
  });
}

/** Between the first viewer of a session that was told of its login and the last one, ms. Infinity if one was not. */
export function loginSpread(viewers: readonly Pick<RecordingClient, 'heard'>[]): number {
  const at = viewers.map(
    ({ heard }) => heard.find((one) => one.kind === 'session' && one.session.state === 'connected')?.at ?? Number.POSITIVE_INFINITY,
  );
  return Math.max(...at) - Math.min(...at);
}

/** Whether the provider was asked again after the last code that a viewer was told. Else a notification told the login. */
export function isFoundByPoll(
  requests: readonly Pick<Request, 'startedAt'>[],
  viewers: readonly Pick<RecordingClient, 'heard'>[],
): boolean {
  const codesAt = viewers.flatMap(({ heard }) =>
    heard.flatMap((one) => (one.kind === 'session' && one.session.code !== null ? [one.at] : [])),
  );
  return Math.max(...requests.map(({ startedAt }) => startedAt)) > Math.max(...codesAt);
}
