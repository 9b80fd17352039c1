/** What a log of a chaos run tells besides the rules: figures for the report. Pure. */

import type { SessionLog, Told } from './checker.ts';

/** A replica has taken over from a master that died. */
export interface Takeover {
  readonly diedAt: number;
  readonly replacedAt: number;
  /** Whether the dead master had the session. */
  readonly isOf: (sessionId: string) => boolean;
}

/**
 * For each code and each viewer that was there before: how long after the provider's answer the viewer
 * had it, or a newer state, ms. Redis's clock is that of this machine.
 */
export function codeLags({ viewers }: SessionLog): readonly number[] {
  const firstVersions = new Map<number, number>(); // by when the code was issued
  for (const { version, session } of viewers.flatMap(({ told }) => told)) {
    const issuedAt = session?.code?.issuedAt;
    if (issuedAt !== undefined) firstVersions.set(issuedAt, Math.min(version, firstVersions.get(issuedAt) ?? version));
  }
  return viewers.flatMap(({ told }) =>
    [...firstVersions].flatMap(([issuedAt, version]) => {
      const has = told.find((one) => one.version >= version);
      return has === undefined || has === told[0] ? [] : [has.at - issuedAt];
    }),
  );
}

/** In ms after the death. */
export interface TakeoverTime {
  readonly replacedMs: number;
  /** When the first viewer was told of a change that a session of that master had after it. Null: none was. */
  readonly toldMs: number | null;
}

/** The run sees a takeover a moment late. */
const SEEN_WITHIN_MS = 100;

/** Takes the sessions one by one. */
export function createTakeoverTimes() {
  const toldMs = new Map<Takeover, number>();
  const all = new Set<Takeover>();
  return {
    take({ sessionId, createdAt, viewers }: SessionLog, takeovers: readonly Takeover[]): void {
      for (const takeover of takeovers) {
        all.add(takeover);
        if (!takeover.isOf(sessionId)) continue;
        const { diedAt, replacedAt } = takeover;
        const isAfter = ({ at, version }: Told): boolean => createdAt + version > diedAt && at > replacedAt - SEEN_WITHIN_MS;
        const after = viewers.flatMap(({ told }) => told.filter(isAfter).map(({ at }) => at - diedAt));
        toldMs.set(takeover, Math.min(toldMs.get(takeover) ?? Number.POSITIVE_INFINITY, ...after));
      }
    },
    result: (): readonly TakeoverTime[] =>
      [...all].map((takeover) => {
        const ms = toldMs.get(takeover) ?? Number.POSITIVE_INFINITY;
        return { replacedMs: takeover.replacedAt - takeover.diedAt, toldMs: Number.isFinite(ms) ? ms : null };
      }),
  };
}
