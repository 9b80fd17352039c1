/**
 * Watches one Redis connection, and reconnects it when it is useless but does not say so: its other
 * end is gone without a FIN, or it leads to a replica.
 *
 *   well ──no answer, closed, an error word──> lost ──a proof succeeds──> well
 *   well ──a write is refused──> refused ──a write is accepted──> well
 *
 * The proof is a write over the connection itself, and for subscriptions also a message that comes
 * back. A frozen connection to a live server takes about 5 s to be replaced.
 */

import type { Redis, RedisOptions } from 'ioredis';
import type { Logger } from '../log.ts';
import { asksForReconnect, errorWord, namesReplica } from './error-words.ts';

export interface WatchOptions {
  /** A healthy connection is proven this often. */
  readonly proveEveryMs: number;
  /** A connection that owes an answer and sends nothing for this long is cut. */
  readonly silentMs: number;
  /** Whether an error reply that names a replica, or the like, leads to a reconnect. */
  readonly followsErrors: boolean;
  /** Sentinels are asked this often whether the master is another one. Default 5 s. */
  readonly followEveryMs?: number;
}

export const WATCH_DEFAULTS: WatchOptions = { proveEveryMs: 2_000, silentMs: 4_000, followsErrors: true };

/**
 * A reconnect that leads to the same replica must not become a storm. So the next one waits twice
 * as long, up to the maximum.
 */
const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_MAX_MS = 4_000;

export interface WatchDeps {
  /** Fields of each log line of this connection. */
  readonly label: Readonly<Record<string, string>>;
  readonly log: Logger;
  readonly options: WatchOptions;
  /** The proof: a write. */
  readonly write: (redis: Redis) => Promise<void>;
  /** What else the role has to do. Rejects with a `UselessError` if the connection does not. */
  readonly alsoProve: (() => Promise<void>) | undefined;
  /**
   * `often`: proven regularly. `whenReady`: proven once after each connect, because the connection
   * blocks. Its owner notices silence.
   */
  readonly proofs: 'often' | 'whenReady';
  /** What happens to commands while the next reconnect must wait. */
  readonly whileWaiting: 'reject' | 'queue';
  /** Called once per outage, when this connection turns out to lead to a replica. */
  readonly onReplica: (word: string) => void;
  /** Null: writes are accepted. */
  readonly onWrites: (refusedWith: string | null) => void;
  /** Called once per outage. */
  readonly onLost?: (reason: string) => void;
}

export interface ConnectionWatch {
  /** For the connection, which must be given to `attach` at once. */
  readonly redisOptions: Pick<RedisOptions, 'reconnectOnError' | 'retryStrategy'>;
  attach(redis: Redis): void;
  /** Why the connection is useless, in a word. Null: nothing is known against it. */
  lostBy(): string | null;
  /** Reconnects unless that is under way. */
  reconnect(reason: string): void;
}

interface Outage {
  readonly since: number;
  reason: string;
  isReplica: boolean;
}

/** Thrown by a proof when the connection itself has to be replaced. */
export class UselessError extends Error {}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: all events of a connection change one state.
export function createConnectionWatch(deps: WatchDeps): ConnectionWatch {
  const { label, log, options } = deps;
  let redis: Redis | null = null;
  let outage: Outage | null = null;
  let lastError: string | null = null;
  let isProving = false;
  let isCut = false;
  let hasEnded = false;
  let proofTimer: NodeJS.Timeout | undefined;
  let stopHandshakeTimer: () => void = () => undefined;
  const backoff = createBackoff();

  /** Logs the first reason, and after it each new word of Redis, which says more. */
  function lost(reason: string, word: string | null = null): void {
    if (outage === null || (word !== null && word !== outage.reason)) {
      log.warn({ ...label, reason }, 'redis connection lost; reconnecting');
    }
    if (outage === null) deps.onLost?.(reason);
    outage ??= { since: performance.now(), reason, isReplica: false };
    if (word === null) return;
    outage.reason = word;
    if (outage.isReplica || !namesReplica(word)) return;
    outage.isReplica = true;
    deps.onReplica(word);
  }

  function back(): void {
    if (isCut) return; // the answer came over the connection that is being replaced
    backoff.reset();
    if (outage === null) return;
    log.info({ ...label, lostForMs: Math.round(performance.now() - outage.since) }, 'redis connection is back');
    outage = null;
  }

  /** Cuts the connection. ioredis reconnects and sends again what was not answered. */
  function cut(): void {
    if (redis === null || (redis.status !== 'ready' && redis.status !== 'connect')) return; // a reconnect is under way
    isCut = true;
    redis.stream.setMaxListeners(0); // ioredis adds one for each error reply of a batch
    redis.disconnect(true);
  }

  function onErrorReply(error: Error): boolean | 2 {
    const word = errorWord(error);
    if (word === null || !asksForReconnect(word) || !options.followsErrors) return false;
    lost(word, word);
    if (isCut) return 2;
    if (deps.whileWaiting === 'reject' && backoff.waitMs() > 0) return false;
    backoff.begin();
    cut();
    return 2;
  }

  async function prove(): Promise<void> {
    if (redis === null || redis.status !== 'ready' || isProving) return;
    isProving = true;
    const stopTimer = deps.proofs === 'often' ? onSilence(() => redis ?? undefined, options.silentMs, replaceSilent) : () => undefined;
    try {
      await deps.write(redis).finally(stopTimer); // what follows may wait for another connection
      await deps.alsoProve?.();
      back();
      deps.onWrites(null);
    } catch (error) {
      onFailedProof(error);
    } finally {
      isProving = false;
    }
  }

  function onFailedProof(error: unknown): void {
    const word = errorWord(error);
    if (error instanceof UselessError) {
      lost(error.message);
      cut();
    } else if (word !== null && !asksForReconnect(word)) {
      back(); // it answers; what it answers is the server's trouble
      if (deps.proofs === 'often') deps.onWrites(word); // without a next proof nobody would take it back
    }
  }

  function replaceSilent(): void {
    if (redis?.status !== 'ready' && redis?.status !== 'connect') return;
    lost('no answer');
    cut();
  }

  function onEnd(): void {
    clearInterval(proofTimer);
    stopHandshakeTimer();
    hasEnded = true;
    outage = null;
    deps.onWrites(null);
  }

  function attach(attached: Redis): void {
    redis = attached;
    if (deps.proofs === 'often') proofTimer = setInterval(() => void prove(), options.proveEveryMs);
    attached.on('connecting', () => {
      if (hasEnded) lost('no answer'); // BullMQ ended it because it got no answer, and opens it again
      hasEnded = false;
    });
    attached.on('connect', () => {
      stopHandshakeTimer();
      stopHandshakeTimer = onSilence(() => attached, options.silentMs, replaceSilent);
    });
    attached.on('error', (error: Error & { code?: string }) => {
      lastError = errorWord(error) ?? error.code ?? error.name;
      if (attached.status !== 'ready') lost(lastError, errorWord(error));
    });
    attached.on('close', () => {
      stopHandshakeTimer();
      // A Redis may close a connection that is idle, and only the blocking one is. If Redis is gone,
      // the reconnect fails, and that is an error.
      const isIdleCut = deps.proofs === 'whenReady' && lastError === null && !isCut;
      isCut = false;
      if (isIdleCut) log.debug(label, 'redis closed a connection; reconnecting');
      else if (attached.status !== 'end') lost(lastError ?? 'closed');
      lastError = null;
    });
    attached.on('end', onEnd);
    attached.on('ready', () => {
      stopHandshakeTimer();
      lastError = null;
      void prove();
    });
  }

  return {
    redisOptions: {
      reconnectOnError: onErrorReply,
      retryStrategy: (attempt) => Math.max(reconnectDelay(attempt), deps.whileWaiting === 'queue' ? backoff.takeWaitMs() : 0),
    },
    attach,
    lostBy: () => outage?.reason ?? null,
    reconnect(reason) {
      if (hasEnded || outage !== null) return;
      lost(reason);
      cut();
    },
  };
}

const RECONNECT_MAX_MS = 1_000;

/**
 * Full jitter, so that not all processes return to a restarted Redis at once. At most a second, so
 * that screens do not go stale.
 */
export const reconnectDelay = (attempt: number): number => Math.round(Math.random() * Math.min(RECONNECT_MAX_MS, 50 * 2 ** attempt)) + 20;

/**
 * Calls back each time that nothing was received for `ms`. Returns the function that ends it.
 * @param connection the one that is used now
 */
export function onSilence(connection: () => Redis | undefined, ms: number, callback: () => void): () => void {
  const received = (): string => `${connection()?.stream?.localPort} ${connection()?.stream?.bytesRead}`;
  let before = received();
  const timer = setInterval(() => {
    const now = received();
    if (now === before) callback();
    before = now;
  }, ms);
  return () => clearInterval(timer);
}

/** How long the next reconnect for an error word has to wait, ms. The first need not. */
function createBackoff() {
  let count = 0;
  let notBefore = 0;
  let wait = 0;
  return {
    waitMs: () => Math.max(0, notBefore - performance.now()),
    begin(): void {
      wait = Math.max(0, notBefore - performance.now());
      const longest = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** count++);
      notBefore = performance.now() + wait + longest * (0.5 + Math.random() / 2);
    },
    takeWaitMs(): number {
      const taken = wait;
      wait = 0;
      return taken;
    },
    reset(): void {
      count = 0;
      notBefore = 0;
    },
  };
}
