/** Says in words what a chaos run found. */

import type { SessionLog } from './checker.ts';
import type { ChaosReport } from './run-chaos.ts';

/** More of the same kind says nothing new. */
const SHOWN_PER_RULE = 5;
const SHOWN_SESSIONS = 3;
const SHOWN_LINES = 120;
/** A viewer notices a frozen connection after 45 s. What takes longer is worth a look. */
const SLOW_MS = 60_000;

export function describeReport(report: ChaosReport): readonly string[] {
  const { sessions, viewers, messages, requests, doubled, faults, loginMs, slowest, violations, broken } = report;
  const sorted = loginMs.toSorted((a, b) => a - b);
  const quantile = (share: number): number => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
  return [
    '',
    `${sessions} sessions, ${viewers} viewers, ${messages} messages, ${requests} requests to the provider, of which ${doubled} came twice because a claim was lost`,
    `faults: ${[...faults].map(([kind, count]) => `${count} × ${kind}`).join(', ')}`,
    `from the scan to the viewer: p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms, at most ${quantile(1)} ms`,
    ...(slowest === null || quantile(1) < SLOW_MS ? [] : ['', 'the slowest login:', ...timeline(slowest)]),
    ...[...Map.groupBy(violations, ({ rule }) => rule)].flatMap(([rule, found]) => [
      `broken ${found.length} times: ${rule}`,
      ...found.slice(0, SHOWN_PER_RULE).map(({ sessionId, what }) => `  ${sessionId}: ${what}`),
    ]),
    ...[...broken.values()].slice(0, SHOWN_SESSIONS).flatMap(timeline),
    violations.length === 0 ? 'every rule holds' : `${violations.length} violations`,
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
