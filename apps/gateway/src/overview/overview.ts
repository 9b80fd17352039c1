/**
 * What all who look at sessions share: one reading of Redis for each scope, every 2 s, for as long as
 * somebody looks. A scope is a tenant, or all of them (null). With nobody there nothing is read, but
 * the last reading is kept until the next one would be due: whoever opens and closes the overview
 * over and over causes no more readings than one who stays. If a reading fails, its readers keep the
 * last one, and the next one tries again.
 */

import { cutOverview, isInOverview, nextReading, OVERVIEW_LENGTH, type Reading } from '@qrcast/core/overview';
import { isTerminal, type Session } from '@qrcast/core/session';
import { errorFields, type Logger } from '@qrcast/runtime/log';
import type { Clock } from '@qrcast/runtime/redis/clock';
import { createThrottledWarning } from '../limits/throttled-warning.ts';
import type { FairSessions } from './newest-sessions.ts';
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
  readonly fairSessions: FairSessions;
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
      const scope = scopes.get(tenantId) ?? openScope(deps, tenantId, { warn, onOver: () => void scopes.delete(tenantId) });
      scopes.set(tenantId, scope);
      return scope.add(reader);
    },
    close() {
      for (const scope of scopes.values()) scope.close();
      scopes.clear();
    },
  };
}

interface Scope {
  /** Returns its undo, idempotent. */
  add(reader: OverviewReader): () => void;
  close(): void;
}

interface ScopeHooks {
  readonly warn: (facts: Readonly<Record<string, unknown>>) => void;
  /** A reading would be due, and nobody is there. The scope has closed itself. */
  readonly onOver: () => void;
}

function openScope(deps: OverviewDeps, tenantId: string | null, { warn, onOver }: ScopeHooks): Scope {
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
    if (!isClosed) timer = setTimeout(onDue, READ_EVERY_MS);
  }

  function onDue(): void {
    if (readers.size > 0) return void round();
    close();
    onOver();
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
      return () => void readers.delete(reader);
    },
    close,
  };
}

/** More records are not read for one reading, however many of them ended long ago. */
const MOST_READ = 400;
const READ_AT_ONCE = 100;

async function readScope(
  { fairSessions, readSessions, clock }: OverviewDeps,
  tenantId: string | null,
  last: Reading | null,
): Promise<Reading> {
  const { places, isWhole } = await fairSessions(tenantId, MOST_READ);
  const at = clock.now();
  const meant: Session[] = [];
  let read = 0;
  for (; read < places.length && !isFull(meant); read += READ_AT_ONCE) {
    const found = await readSessions.find(places.slice(read, read + READ_AT_ONCE));
    meant.push(...found.filter((session) => isInOverview(session, at)));
  }
  const shown = cutOverview(meant, OVERVIEW_LENGTH);
  const isCut = !isWhole || read < places.length || shown.length < meant.length;
  return nextReading(last, { at, sessions: await readSessions.show(shown), isCut });
}

const isFull = (sessions: readonly Session[]): boolean => sessions.filter((session) => !isTerminal(session)).length >= OVERVIEW_LENGTH;
