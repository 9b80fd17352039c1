/** Gathers what a chaos run found, session by session. */

import { type Circumstances, check, countDoubled, type SessionLog, type Violation } from './checker.ts';
import { codeLags, createTakeoverTimes, type Takeover, type TakeoverTime } from './measures.ts';
import type { FaultKind } from './schedule.ts';

export interface ChaosReport {
  readonly sessions: number;
  readonly viewers: number;
  readonly messages: number;
  readonly requests: number;
  /** Requests that came too early because Redis had lost a claim, of each session that has one. */
  readonly doubled: readonly number[];
  /** From the change to each viewer, for each code, ms. */
  readonly codeMs: readonly number[];
  /** For each master that died and was replaced. */
  readonly takeovers: readonly TakeoverTime[];
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** From the scan to each viewer, ms. */
  readonly loginMs: readonly number[];
  /** The log of the login that took longest. */
  readonly slowest: SessionLog | null;
  readonly violations: readonly Violation[];
  /** The logs of the sessions with violations. */
  readonly broken: ReadonlyMap<string, SessionLog>;
}

export interface RunningReport {
  take(log: SessionLog, circumstances: Circumstances, takeovers: readonly Takeover[]): void;
  timed(ms: readonly number[], log: SessionLog): void;
  broke(kind: FaultKind): void;
  result(): ChaosReport;
}

export function createReport(): RunningReport {
  const counts = { sessions: 0, viewers: 0, messages: 0, requests: 0 };
  const doubled: number[] = [];
  const codeMs: number[] = [];
  const times = createTakeoverTimes();
  const faults = new Map<FaultKind, number>();
  const loginMs: number[] = [];
  let slowest: SessionLog | null = null;
  let slowestMs = 0;
  const violations: Violation[] = [];
  const broken = new Map<string, SessionLog>();
  return {
    take(log, circumstances, takeovers) {
      counts.sessions++;
      counts.viewers += log.viewers.length;
      counts.messages += log.viewers.reduce((sum, { told }) => sum + told.length, 0);
      counts.requests += log.requests.length;
      const twice = countDoubled(log, circumstances);
      if (twice > 0) doubled.push(twice);
      for (const ms of codeLags(log)) codeMs.push(ms);
      times.take(log, takeovers);
      const found = check(log, circumstances);
      violations.push(...found);
      if (found.length > 0) broken.set(log.sessionId, log);
    },
    timed(ms, log) {
      if (Math.max(0, ...ms) > slowestMs) slowest = log;
      slowestMs = Math.max(slowestMs, ...ms);
      loginMs.push(...ms);
    },
    broke: (kind) => void faults.set(kind, (faults.get(kind) ?? 0) + 1),
    result: () => ({
      ...counts,
      doubled,
      codeMs,
      takeovers: times.result(),
      faults,
      loginMs,
      slowest,
      violations,
      broken,
    }),
  };
}
