/**
 * What all who look at sessions share: one reading of Redis for each scope, every 2 s, for as long as
 * somebody looks. A scope is a tenant, or all of them (null). With nobody there nothing is read. If a
 * reading fails, its readers keep the last one, and the next one tries again.
 */

import { isInOverview, nextReading, OVERVIEW_LENGTH, type Reading } from '@qrcast/core/overview';
import { errorFields, type Logger } from '@qrcast/runtime/log';
import type { Clock } from '@qrcast/runtime/redis/clock';
import { createThrottledWarning } from '../limits/throttled-warning.ts';
import type { NewestSessions } from './newest-sessions.ts';
import type { ReadSessions } from './read-sessions.ts';

export interface OverviewReader {
  onReading(reading: Reading): void;
  /** Redis could not be read. The last reading stands. */
  onFault(): void;
}

export interface Overview {
  /** Tells the last reading at once, if there is one, and then each. Returns its undo, idempotent. */
  read(tenantId: string | null, reader: OverviewReader): () => void;
  close(): void;
}

export interface OverviewDeps {
  readonly newestSessions: NewestSessions;
  readonly readSessions: ReadSessions;
  readonly clock: Clock;
  readonly log: Logger;
}

/** From the end of a reading to the next one. So a Redis that is slow is asked less often. */
export const READ_EVERY_MS = 2_000;

export function openOverview(deps: OverviewDeps): Overview {
  const scopes = new Map<string | null, Scope>();
  const warn = createThrottledWarning({ log: deps.log, now: () => performance.now() }, 'sessions were not read for the overview');

  return {
    read(tenantId, reader) {
      const scope = scopes.get(tenantId) ?? openScope(deps, tenantId, warn);
      scopes.set(tenantId, scope);
      scope.add(reader);
      return () => {
        scope.remove(reader);
        if (!scope.isClosed() || scopes.get(tenantId) !== scope) return;
        scopes.delete(tenantId);
      };
    },
    close() {
      for (const scope of scopes.values()) scope.close();
      scopes.clear();
    },
  };
}

interface Scope {
  add(reader: OverviewReader): void;
  /** Closes the scope with its last reader. */
  remove(reader: OverviewReader): void;
  isClosed(): boolean;
  close(): void;
}

type Warn = (facts: Readonly<Record<string, unknown>>) => void;

function openScope(deps: OverviewDeps, tenantId: string | null, warn: Warn): Scope {
  const readers = new Set<OverviewReader>();
  let last: Reading | null = null;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  async function round(): Promise<void> {
    try {
      const reading = await readScope(deps, tenantId, last);
      if (isClosed) return;
      last = reading;
      for (const reader of readers) reader.onReading(reading);
    } catch (error) {
      warn(errorFields(error));
      for (const reader of readers) reader.onFault();
    }
    if (!isClosed) timer = setTimeout(() => void round(), READ_EVERY_MS);
  }

  function close(): void {
    isClosed = true;
    clearTimeout(timer);
    readers.clear();
  }

  void round();
  return {
    add(reader) {
      readers.add(reader);
      if (last !== null) reader.onReading(last);
    },
    remove(reader) {
      readers.delete(reader);
      if (readers.size === 0) close();
    },
    isClosed: () => isClosed,
    close,
  };
}

async function readScope(
  { newestSessions, readSessions, clock }: OverviewDeps,
  tenantId: string | null,
  last: Reading | null,
): Promise<Reading> {
  const { places, isWhole } = await newestSessions(tenantId, null, OVERVIEW_LENGTH);
  const at = clock.now();
  const sessions = await readSessions(places, (session) => isInOverview(session, at));
  return nextReading(last, { at, sessions, isCut: !isWhole });
}
