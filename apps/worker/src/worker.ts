/** The worker role: polls waiting sessions out of the queue. Any number of them share one Redis. */

import type { Policy } from '@qrcast/core/schedule';
import { openProvider } from '@qrcast/provider/provider';
import { proveKeyring } from '@qrcast/runtime/credentials-vault';
import { createKeyring, type RingKey } from '@qrcast/runtime/keyring';
import type { Logger } from '@qrcast/runtime/log';
import { openNode } from '@qrcast/runtime/node';
import { createReleasers } from '@qrcast/runtime/releasers';
import { createPollHandlers } from './poll-session.ts';

export interface WorkerOptions {
  readonly redisUrl: string;
  readonly namespace: string;
  readonly secretKeys: readonly RingKey[];
  readonly policy: Policy;
  readonly upstreamHosts: readonly string[];
  /** Requests under way at once. */
  readonly concurrency: number;
  /** Called as each poll starts, with how long after its due time it was claimed, ms. */
  readonly onPoll?: (lateMs: number) => void;
  readonly log: Logger;
}

export interface Worker {
  /** Rejects while this worker could not poll. */
  ready(): Promise<void>;
  /** Claims nothing more, then awaits the requests under way, at most `graceMs`. Idempotent. */
  close(graceMs: number): Promise<void>;
}

export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { log, upstreamHosts, onPoll } = options;
  const releasers = createReleasers();
  let closing: Promise<void> | null = null;
  try {
    const node = await openNode(options);
    releasers.push('node', () => node.close());
    const keyring = createKeyring(options.secretKeys);
    await proveKeyring(node.redis, options.namespace, keyring);
    const provider = openProvider();
    releasers.push('provider', () => provider.close());
    const handlers = createPollHandlers({ ...node, provider, keyring, upstreamHosts, onPoll, log });
    const stop = await node.queue.consume(handlers, { concurrency: options.concurrency });
    log.info({ concurrency: options.concurrency, intervalMs: options.policy.intervalMs }, 'worker polls');
    return {
      ready: () => node.ready(),
      close(graceMs) {
        closing ??= stop(graceMs).finally(() => releasers.release());
        return closing;
      },
    };
  } catch (error) {
    await releasers.release();
    throw error;
  }
}
