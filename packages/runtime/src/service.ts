/**
 * A process's life: start, run until told to stop, stop in two stages. The only place that listens to signals or exits.
 *
 *   first SIGINT/SIGTERM   graceful: releases run, last acquired first, within `stopMs`
 *   second signal, or the time is up   forced: exit at once, status 1
 *   SIGKILL   nothing runs: leases end by themselves, within seconds
 */

import { errorFields, type Logger } from './log.ts';
import { createReleasers, type Releasers } from './releasers.ts';

export interface ServiceOptions {
  readonly name: string;
  readonly log: Logger;
  /** Longest a graceful stop may take, ms. */
  readonly stopMs: number;
}

/** Never rejects: a failed start is logged, what it had acquired is released, and the process exits with status 1. */
export async function runService(options: ServiceOptions, start: (releasers: Releasers) => Promise<void>): Promise<void> {
  const { name, log, stopMs } = options;
  const releasers = createReleasers();
  let stopping = false;

  const stop = async (reason: string, status: number): Promise<void> => {
    if (stopping) {
      log.warn({ reason }, 'stopping at once');
      process.exit(1);
    }
    stopping = true;
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
    log.info({ name }, 'stopped');
    process.exit(failed ? 1 : status);
  };

  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(signal, 0));
  process.on('uncaughtException', (error) => {
    log.fatal({ ...errorFields(error), stack: error.stack }, 'a fault nobody caught');
    void stop('fault', 1);
  });

  try {
    await start(releasers);
  } catch (error) {
    log.fatal(errorFields(error), 'could not start');
    await stop('failed start', 1);
  }
}
