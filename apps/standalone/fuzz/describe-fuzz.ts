/** What the short and the long form of the fuzz share: the stage, and every edge on it. */

import { openProvider } from '@qrcast/provider/provider';
import { viewersKey, viewersOfTenantKey } from '@qrcast/runtime/redis/keys';
import { createReleasers } from '@qrcast/runtime/releasers';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe } from 'vitest';
import type { Held } from './held.ts';
import { httpEdge } from './http.ts';
import { notificationEdge } from './notifications.ts';
import { fileEdge, roleEnvironmentEdge, settingsEdge } from './own-side.ts';
import { type HostileProvider, openHostileProvider, polledEdge, providerEdge } from './provider-answers.ts';
import { redisEdge } from './redis.ts';
import { ANSWER_LIMIT_MS, type Edge, fuzzOptions, runEdge, type Subject, tolerating } from './run-edge.ts';
import { socketIoEdge } from './socketio.ts';
import { openStage, PLANTED, type Stage } from './stage.ts';
import { webSocketEdge } from './websocket.ts';

type Edges = ReturnType<typeof edgesOf>;

export interface Fuzz {
  /**
   * Created when a test runs, because the stage is open only then. Each edge generates its own
   * inputs.
   */
  readonly edges: Readonly<Record<keyof Edges, () => Edge<unknown>>>;
  /**
   * `share` reduces the number of batches, for edges whose inputs cost more. Edges that watch the
   * roles run one after the other; the rest run beside them. `examples`: inputs of the edge that are
   * tried, too.
   */
  run(edge: () => Edge<unknown>, share?: number, examples?: readonly unknown[]): Promise<void>;
  held(): Promise<Both>;
  /** What the roles hold before the first input. */
  base(): Both;
  /** How many viewers Redis counts for the tenant of the inputs, and for its session. */
  viewers(): Promise<number>;
}

export interface Both {
  readonly gateway: Held;
  readonly worker: Held;
}

/**
 * For `expect.poll`: longer than any idle connection is kept, and longer than the wait for any
 * client that has left.
 */
export const SETTLED = { timeout: 2 * ANSWER_LIMIT_MS, interval: 250 } as const;

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: a suite whose tests share one set-up.
export function describeFuzz({ runs, redisUrl }: { readonly runs: number; readonly redisUrl: string }, tests: (fuzz: Fuzz) => void): void {
  const options = fuzzOptions(runs);
  const releasers = createReleasers();
  const rounds = new Map<string, number>();
  let stage: Stage;
  let redis: Redis;
  let edges: Edges;
  let base: Both;
  let last: Promise<unknown> = Promise.resolve();
  beforeAll(async () => {
    const hostile = await openHostileProvider(PLANTED);
    releasers.push('hostile provider', () => hostile.close());
    stage = await openStage(redisUrl, hostile);
    releasers.push('stage', () => stage.close());
    redis = new Redis(redisUrl);
    releasers.push('redis', () => void redis.disconnect());
    const provider = openProvider({ qrTimeoutMs: 300, requestTimeoutMs: 300, bodyTimeoutMs: 200 });
    releasers.push('provider', () => provider.close());
    edges = edgesOf(stage, hostile, redis, provider);
    base = await held();
  });
  afterAll(() => releasers.release());

  const held = async (): Promise<Both> => ({ gateway: await stage.gateway.held(), worker: await stage.worker.held() });

  /** A fault in a role's log belongs to the edge that was tried at that time. */
  function afterOthers<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work);
    last = done.catch(() => undefined); // the caller of this edge gets the failure
    return done;
  }

  describe('bad inputs bring nothing down, and nobody else notices them', () => {
    tests({
      edges: new Proxy({} as Fuzz['edges'], { get: (_, name) => () => edges[name as keyof Edges] }), // the requested edge is one of them
      async run(edge, share = 1, examples = []) {
        const one = edge();
        // Each round of an edge generates inputs of its own.
        const round = rounds.get(one.name) ?? 0;
        rounds.set(one.name, round + 1);
        const size = { seed: options.seed + round, runs: Math.max(1, Math.ceil(options.runs * share)), examples };
        if (one.isBeside === true) return runEdge(one, stage.beside, size);
        await afterOthers(async () => {
          await runEdge(one, subjectFor(one.name, stage), size);
          await stage.canary.nextCode();
        });
      },
      held: () => afterOthers(held),
      base: () => base,
      viewers: () =>
        afterOthers(async () => {
          const { namespace, tenant, target } = stage;
          return (await redis.hlen(viewersOfTenantKey(namespace, tenant.id))) + (await redis.hlen(viewersKey(namespace, target.sessionId)));
        }),
    });
  });
}

/**
 * The worker has read the damage once the canary has its next code. A tenant with a broken record
 * in Redis is refused, and the log says so.
 */
function subjectFor(name: string, stage: Stage): Subject {
  if (name === 'Redis') return tolerating(stage, /"msg":"a request failed"/, () => stage.canary.nextCode());
  return name === 'provider answers to a worker' ? tolerating(stage, /(?!)/, () => stage.canary.nextCode()) : stage;
}

function edgesOf(stage: Stage, hostile: HostileProvider, redis: Redis, provider: ReturnType<typeof openProvider>) {
  const gateway = { ...stage, port: stage.gateway.port };
  return {
    http: httpEdge(gateway),
    webSocket: webSocketEdge(gateway),
    socketIo: socketIoEdge(gateway),
    notifications: notificationEdge(gateway),
    providerAnswers: providerEdge(hostile, provider),
    polled: polledEdge(hostile, stage),
    redis: redisEdge(stage, redis),
    settings: settingsEdge(PLANTED),
    roleEnvironment: roleEnvironmentEdge(PLANTED, stage.roleEnv),
    files: fileEdge(PLANTED),
  };
}
