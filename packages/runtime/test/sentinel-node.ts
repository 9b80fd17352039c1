/** For tests: a node with a consumer of polls on a stage of Sentinels, and what it does there. */

import { randomUUID } from 'node:crypto';
import { setImmediate as immediate } from 'node:timers/promises';
import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import type { Redis } from 'ioredis';
import { expect } from 'vitest';
import { createLog } from '../src/log.ts';
import { type Node, openNode } from '../src/node.ts';
import type { Claim } from '../src/polling/poll-queue.ts';
import type { WatchOptions } from '../src/redis/connection-watch.ts';
import { publish } from '../src/redis/publish.ts';
import { later, newTarget } from './poll-queue.ts';
import type { SentinelStage } from './sentinel-stage.ts';

/** Quick, so that the tests are. */
export const QUICK: WatchOptions = { proveEveryMs: 50, silentMs: 1_500, followsErrors: true, followEveryMs: 200 };
const NEVER_MS = 3_600_000;
/** For the twins: nobody watches, and nobody asks the Sentinels unless a connection closes. */
export const OFF: WatchOptions = { proveEveryMs: NEVER_MS, silentMs: NEVER_MS, followsErrors: false, followEveryMs: NEVER_MS };

export interface SentinelNode {
  readonly node: Node;
  /** Reasons and messages that were logged of connections. */
  readonly said: string[];
  /**
   * Resolves when all its connections work: writes, messages, polls. Those for commands and messages
   * then lead to this server, if one is given.
   */
  works(place?: () => Promise<{ readonly port: number }>): Promise<void>;
  /** Null: it is ready. */
  reason(): Promise<string | null>;
  close(): Promise<void>;
}

/** For several nodes of one installation. */
export interface NodeOptions {
  readonly namespace?: string;
  /** Ids of the sessions that any of them has polled. */
  readonly polled?: Set<string>;
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: all of it looks at what one node says and does.
export async function openSentinelNode(
  { url }: Pick<SentinelStage, 'url'>,
  watchOptions: WatchOptions,
  { namespace = `test-${randomUUID()}`, polled = new Set<string>() }: NodeOptions = {},
): Promise<SentinelNode> {
  const said: string[] = [];
  let written = '';
  const write = (line: string): void => {
    written += line;
    const { role, reason, msg } = JSON.parse(line);
    said.push([role, reason ?? msg].filter(Boolean).join(' '));
  };
  const node = await openNode({
    redisUrl: url,
    namespace,
    policy: DEFAULT_POLICY,
    watchOptions,
    log: createLog('test', 'info', { write }),
  });
  const heard = new Set<string>();
  node.bus.subscribe(`${namespace}:test`, (message) => heard.add(String(message))); // once: it has to survive
  const poll = async ({ target }: Claim): Promise<{ nextAt: null }> => {
    polled.add(target.sessionId);
    return { nextAt: null };
  };
  const consumer = await node.queue.consume({ poll, unwatched: async () => undefined }, { concurrency: 10 });
  const reason = (): Promise<string | null> =>
    node.ready().then(
      () => null,
      (error: Error) => error.message,
    );
  // Not INFO: ioredis loses one that is sent during a handshake that does not end.
  const leadsTo = ({ status, stream }: Redis, port: number): boolean => status === 'ready' && stream.remotePort === port;

  async function works(place?: () => Promise<{ readonly port: number }>): Promise<void> {
    if (place !== undefined) {
      for (const redis of [node.redis as Redis, ...node.bus.connections()]) while (!leadsTo(redis, (await place()).port)) await immediate();
    }
    while ((await reason()) !== null) await immediate();
    const id = randomUUID();
    while (!heard.has(id)) await publish(node.redis, `${namespace}:test`, id);
    const target = newTarget();
    await node.queue.ensure(target, later());
    while (!polled.has(target.sessionId)) await immediate();
    expect(written).not.toMatch(place === undefined ? /of-cluster/ : /127\.0\.0\.1|of-redis|of-sentinel\b/);
  }

  return {
    node,
    said,
    works,
    reason,
    async close() {
      await consumer.close(0);
      await node.close();
    },
  };
}
