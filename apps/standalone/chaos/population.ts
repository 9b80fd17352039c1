/**
 * The people of a chaos run: so many sessions at a time, each with viewers on several transports.
 * After a while somebody scans the code, and all viewers are to learn of the login. Then another
 * session takes its place.
 */

import { setTimeout as delay } from 'node:timers/promises';
import type { WireSession } from '@qrcast/core/wire';
import type { Instance } from '@qrcast/simulator/instance';
import type { ProductStage, StagedSession } from '../test/fault-stage.ts';
import { isFinal, type RecordingClient, TRANSPORTS } from '../test/recording-client.ts';
import type { SessionLog, Told, ViewerLog } from './checker.ts';
import type { Random } from './random.ts';

export interface PopulationOptions {
  readonly stage: ProductStage;
  readonly random: Random;
  /** So many at a time. */
  readonly sessions: number;
  /** How long somebody waits before the scan: the least and the most, ms. */
  readonly scanAfterMs: readonly [number, number];
  /** Takes the log of each session that is over. */
  readonly take: (log: SessionLog, scannedAt: number, connectedAt: readonly number[]) => void;
}

export interface Population {
  /** Instances whose code was not scanned yet. */
  waiting(): readonly Instance[];
  /** Sessions that have viewers. */
  watched(): readonly string[];
  holdCreations(): Promise<() => void>;
  /** Scans all codes and creates no session any more. Resolves once all are over. */
  finish(): Promise<void>;
  /** Gives up: takes the logs of those that are not over, and closes everything. */
  abandon(): Promise<void>;
}

const LOOK_EVERY_MS = 100;
const TRY_AGAIN_MS = 300;
const ANSWER_WITHIN_MS = 10_000;
/** A fault that forgets waits for those that are being created. */
const CREATE_WITHIN_MS = 5_000;
const MOST_VIEWERS = 4;
const START_WITHIN_MS = 10_000;

// One closure: its methods share the sessions that live now.
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: sessions come and go, and all its functions share the set of them.
export function openPopulation({ stage, random, sessions, scanAfterMs, take }: PopulationOptions): Population {
  const waiting = new Set<Instance>();
  const watched = new Set<string>();
  const creating = new Set<Promise<unknown>>();
  const finishing = new AbortController();
  const abandoning = new AbortController();
  let held: PromiseWithResolvers<void> | null = null;
  let names = 0;

  async function create(): Promise<StagedSession | null> {
    while (!finishing.signal.aborted) {
      await held?.promise;
      const gateway = random.between(0, stage.gateways.length - 1);
      const tried = stage.create(gateway, AbortSignal.timeout(CREATE_WITHIN_MS)).catch(() => null); // a fault: with a new instance, again
      creating.add(tried);
      const created = await tried;
      creating.delete(tried);
      if (created !== null) return created;
      await delay(TRY_AGAIN_MS);
    }
    return null;
  }

  async function live(): Promise<void> {
    const created = await create();
    if (created === null) return;
    const { instance, session } = created;
    const createdAt = now();
    waiting.add(instance);
    watched.add(session.id);
    const viewers = openViewers(created);
    await pause(random.between(...scanAfterMs), finishing.signal);
    waiting.delete(instance);
    instance.scan();
    const scannedAt = performance.now();
    await untilOver(created, viewers);
    watched.delete(session.id);
    const final = await readFinal(session.id);
    const connectedAt = viewers.flatMap(({ heard }) => heard.filter(isConnected).map(({ at }) => at));
    take(logOf({ ...created, createdAt }, viewers, scannedAt, final), scannedAt, connectedAt);
    await Promise.all(viewers.map((viewer) => viewer.close()));
  }

  function openViewers({ ticket }: StagedSession): readonly RecordingClient[] {
    const first = random.between(0, TRANSPORTS.length - 1);
    return Array.from({ length: random.between(1, MOST_VIEWERS) }, (_, i) => {
      const transport = TRANSPORTS[(first + i) % TRANSPORTS.length] ?? 'sse';
      return stage.watch(ticket, transport, random.between(0, stage.gateways.length - 1));
    });
  }

  /** A session that ended although it can be resumed is resumed, as a person would. */
  async function untilOver({ session }: StagedSession, viewers: readonly RecordingClient[]): Promise<void> {
    let resumed = 0;
    while (!abandoning.signal.aborted && !viewers.every((viewer) => isOver(viewer.last()))) {
      const ended = viewers.map((viewer) => viewer.last()).find((last) => last?.end?.resumable === true && last.version > resumed);
      if (ended !== undefined && (await ask('POST', `/v1/sessions/${session.id}/resume`)) !== null) resumed = ended.version;
      await pause(LOOK_EVERY_MS, abandoning.signal);
    }
  }

  /** What the API says in the end. If Redis forgot the login, the session learns of it again. */
  async function readFinal(sessionId: string): Promise<Pick<WireSession, 'state' | 'version'>> {
    let last: WireSession | undefined;
    while (!isOver(last)) {
      const answer = await ask('GET', `/v1/sessions/${sessionId}`);
      last = answer?.session ?? last;
      if (abandoning.signal.aborted) break;
      if (!isOver(last)) await pause(TRY_AGAIN_MS, abandoning.signal);
    }
    return { state: last?.state ?? 'ended', version: last?.version ?? 0 };
  }

  /** @returns null if a fault prevented it */
  async function ask(method: string, path: string): Promise<{ readonly session: WireSession } | null> {
    try {
      const gateway = names++ % stage.gateways.length;
      const response = await stage.call(method, path, undefined, gateway, AbortSignal.timeout(ANSWER_WITHIN_MS));
      return response.ok ? ((await response.json()) as { session: WireSession }) : null;
    } catch {
      return null;
    }
  }

  async function inhabit(): Promise<void> {
    await pause(random.between(0, START_WITHIN_MS), finishing.signal);
    while (!finishing.signal.aborted) await live();
  }
  const inhabitants = Array.from({ length: sessions }, inhabit);

  return {
    waiting: () => [...waiting],
    watched: () => [...watched],
    async holdCreations() {
      const mine = Promise.withResolvers<void>();
      held = mine;
      await Promise.all(creating);
      return () => {
        if (held === mine) held = null;
        mine.resolve();
      };
    },
    async finish() {
      finishing.abort();
      held?.resolve();
      await Promise.all(inhabitants);
    },
    async abandon() {
      finishing.abort();
      abandoning.abort();
      held?.resolve();
      await Promise.all(inhabitants);
    },
  };
}

const isOver = (session: WireSession | undefined): boolean => session !== undefined && isFinal(session);

const isConnected = (one: RecordingClient['heard'][number]): boolean => one.kind === 'session' && one.session.state === 'connected';

function logOf(
  { session, instance, createdAt }: StagedSession & { readonly createdAt: number },
  viewers: readonly RecordingClient[],
  scannedAt: number,
  final: SessionLog['final'],
): SessionLog {
  return {
    sessionId: session.id,
    createdAt,
    requests: instance.requests.map(({ method, startedAt, endedAt }) => ({
      method,
      startedAt: performance.timeOrigin + startedAt,
      endedAt: endedAt === null ? null : performance.timeOrigin + endedAt,
    })),
    viewers: viewers.map(viewerLog),
    isLoggedIn: true,
    final,
    notes: [
      { at: performance.timeOrigin + scannedAt, what: 'SCANNED' },
      ...viewers.flatMap((viewer, i) => notesOf(viewer, nameOf(viewer, i))),
      ...instance.deliveries.map(({ at, body, status }) => ({ at, what: `notified of ${body['stateInstance']}: ${status}` })),
    ],
  };
}

const nameOf = ({ transport }: RecordingClient, i: number): string => `viewer ${i + 1} (${transport})`;

function notesOf({ heard }: RecordingClient, name: string): SessionLog['notes'] {
  return heard.flatMap((one) => {
    const at = performance.timeOrigin + one.at;
    if (one.kind === 'opened') return [{ at, what: `${name}: connected to ${one.url}` }];
    return one.kind === 'lost' ? [{ at, what: `${name}: lost, ${one.why}` }] : [];
  });
}

function viewerLog(viewer: RecordingClient, i: number): ViewerLog {
  const { heard } = viewer;
  return {
    name: nameOf(viewer, i),
    told: heard.flatMap((one): Told[] => {
      const at = performance.timeOrigin + one.at;
      if (one.kind === 'session') return [{ at, version: one.session.version, session: one.session }];
      return one.kind === 'fresh' ? [{ at, version: one.version, session: null }] : [];
    }),
  };
}

const now = (): number => performance.timeOrigin + performance.now();

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined); // aborted: it is over sooner
}
