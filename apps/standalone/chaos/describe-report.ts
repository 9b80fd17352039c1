/** Says in words what a chaos run found. */

import type { SessionLog } from './checker.ts';
import type { ChaosReport } from './running-report.ts';

/** More of the same kind says nothing new. */
const SHOWN_PER_RULE = 20;
const SHOWN_SESSIONS = 3;
const SHOWN_LINES = 120;
/** A viewer notices a frozen connection after 45 s. What takes longer is worth a look. */
const SLOW_MS = 60_000;

export function describeReport(report: ChaosReport): readonly string[] {
  const { sessions, viewers, messages, requests, faults, loginMs, slowest, violations, broken } = report;
  return [
    '',
    `${sessions} sessions, ${viewers} viewers, ${messages} messages, ${requests} requests to the provider`,
    `faults: ${[...faults].map(([kind, count]) => `${count} × ${kind}`).join(', ')}`,
    `from the scan to the viewer: ${spread(loginMs)}`,
    `from a new code to the viewer: ${spread(report.codeMs)}`,
    ...describeLosses(report),
    ...(slowest === null || quantile(loginMs, 1) < SLOW_MS ? [] : ['', 'the slowest login:', ...timeline(slowest)]),
    ...[...Map.groupBy(violations, ({ rule }) => rule)].flatMap(([rule, found]) => [
      `broken ${found.length} times: ${rule}`,
      ...found.slice(0, SHOWN_PER_RULE).map(({ sessionId, what }) => `  ${sessionId}: ${what}`),
    ]),
    ...[...broken.values()].slice(0, SHOWN_SESSIONS).flatMap(timeline),
    violations.length === 0 ? 'every rule holds' : `${violations.length} violations`,
  ];
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
}

const spread = (ms: readonly number[]): string =>
  `p50 ${quantile(ms, 0.5)} ms, p99 ${quantile(ms, 0.99)} ms, at most ${quantile(ms, 1)} ms`;

/** What the servers of a Redis lost, and how long they and we took. */
function describeLosses({ doubled, takeovers }: ChaosReport): readonly string[] {
  const total = doubled.reduce((sum, count) => sum + count, 0);
  return [
    `requests that came twice because a claim was lost: ${total}, at most ${Math.max(0, ...doubled)} of one session`,
    ...takeovers.map(
      ({ replacedMs, toldMs }) =>
        `a master died: replaced after ${Math.round(replacedMs)} ms, the next state came to a viewer ${
          toldMs === null ? 'never' : `${Math.round(toldMs - replacedMs)} ms later`
        }`,
    ),
  ];
}

/** What happened to one session, line by line. */
function timeline(log: SessionLog): readonly string[] {
  const events = [
    ...log.notes,
    ...log.requests.map(({ method, startedAt, endedAt }) => ({
      at: startedAt,
      what: `asked ${method}, ${endedAt === null ? 'never answered' : `for ${Math.round(endedAt - startedAt)} ms`}`,
    })),
    ...log.viewers.flatMap(({ name, told }) =>
      told.map(({ at, version, session }) => ({
        at,
        what: `${name}: ${version} ${session === null ? 'fresh' : session.state} ${session?.notice?.code ?? session?.end?.reason ?? ''}`,
      })),
    ),
  ];
  const lines = events.toSorted((a, b) => a.at - b.at).map(({ at, what }) => `  ${new Date(at).toISOString().slice(11, 23)} ${what}`);
  return ['', `${log.sessionId}, which the API calls ${log.final.state} ${log.final.version}:`, ...lines.slice(-SHOWN_LINES)];
}
