/**
 * The life of a process: it starts, runs until it is told to stop, and stops in two stages. In gateway, worker and `start`, only this file listens to signals or exits.
 *
 *   first SIGINT, SIGTERM or SIGHUP    graceful: releases run, last acquired first, within `stopMs`
 *   SIGUSR2                            logs everything (`debug`), and the next one no more
 *   second signal, or the time is up   forced: exit at once with status 1
 *   SIGKILL                            nothing runs; leases end by themselves within seconds
 */

import { errorFields, framesOf, type Logger, type LogLevel, setLogLevel } from '../log.ts';
import { UnfitRedisError } from '../redis/start-connection.ts';
import { createReleasers, type Releasers } from '../releasers.ts';
import { flushTraces } from '../tracing/tracing.ts';
import { betterNodeThan } from './node-version.ts';
import { SettingsError } from './settings.ts';

export interface ServiceOptions {
  readonly name: string;
  readonly log: Logger;
}

/** What a started service reports. */
export interface Started {
  /** The longest that a graceful stop may take, ms. */
  readonly stopMs: number;
}

/** Stops gracefully and exits with status 1, so that a supervisor restarts the process. */
export type Fail = (reason: string) => void;

/** Time for the rest of the stop after a drain. */
export const STOP_MARGIN_MS = 10_000;
/** Less than that margin: traces are worth no forced stop. */
const FLUSH_TRACES_MS = 2_000;
/** While starting there is nothing to drain. */
const STOP_WHILE_STARTING_MS = 10_000;

/**
 * Never rejects. A failed start is logged, what it had acquired is released, and the process exits
 * with status 1.
 */
export async function runService(
  { name, log }: ServiceOptions,
  start: (releasers: Releasers, fail: Fail) => Promise<Started>,
): Promise<void> {
  const releasers = createReleasers();
  const life: Life = { stopMs: STOP_WHILE_STARTING_MS, isStopping: false };
  const stop = (reason: string, status: number): Promise<void> => stopService(log, releasers, life, reason, status);

  process.on('SIGUSR2', createLevelSwitch(log));
  process.stderr.on('error', () => undefined); // a reader that has gone must not end the service
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(signal, 0));
  process.on('uncaughtException', (error) => {
    log.fatal({ ...errorFields(error), stack: framesOf(error) }, 'an uncaught error');
    void stop('fault', 1);
  });

  const better = betterNodeThan(process.versions.node);
  if (better !== null) log.warn({ node: process.versions.node, better }, 'this Node has known security holes; update it');

  try {
    const { stopMs } = await start(releasers, (reason) => {
      log.fatal({ reason }, 'this process cannot work any more; its supervisor has to restart it');
      if (!life.isStopping) void stop('fault', 1);
    });
    life.stopMs = stopMs;
  } catch (error) {
    if (life.isStopping) return; // it was told to stop while starting, and the failure is the consequence
    if (error instanceof SettingsError || error instanceof UnfitRedisError) process.stderr.write(`${name}: ${error.message}\n`);
    else log.fatal(errorFields(error), 'could not start');
    await stop('failed start', 1);
  }
}

/** Between `debug` and the level that was set, so that a fault can be watched without a restart. */
function createLevelSwitch(log: Logger): () => void {
  let usual: LogLevel | null = null;
  return () => {
    const level = usual ?? 'debug';
    usual = usual === null ? (log.level as LogLevel) : null; // it was set by this package
    setLogLevel(log, level);
    log.info({ level }, 'the log level was changed by SIGUSR2; the next one changes it back');
  };
}

interface Life {
  /** The longest that a graceful stop may take now, ms. */
  stopMs: number;
  isStopping: boolean;
}

/** The first call stops gracefully and exits. A second one exits at once. */
async function stopService(log: Logger, releasers: Releasers, life: Life, reason: string, status: number): Promise<void> {
  const { stopMs } = life;
  if (life.isStopping) {
    log.warn({ reason }, 'stopping at once');
    process.exit(1);
  }
  life.isStopping = true;
  log.info({ reason, stopMs }, 'stopping; a second signal stops at once');
  const timer = setTimeout(() => {
    log.error({ stopMs }, 'the graceful stop took too long; stopping at once');
    process.exit(1);
  }, stopMs);
  timer.unref();
  const failed = await releasers.release().then(
    () => false,
    (error: unknown) => {
      log.error(errorFields(error), 'something did not stop cleanly');
      return true;
    },
  );
  await flushTraces(FLUSH_TRACES_MS);
  log.info('stopped');
  log.flush(() => process.exit(failed ? 1 : status));
}
