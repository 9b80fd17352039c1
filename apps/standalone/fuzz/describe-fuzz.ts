/** What the short and the long form share: the stage, and every edge on it. */

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
  /** Made when a test runs, for the stage is up only then. Each makes its own inputs. */
  readonly edges: Readonly<Record<keyof Edges, () => Edge<unknown>>>;
  /** `share` of the batches, for edges whose inputs cost more. Those that look at the roles take turns, the others go beside them. */
  run(edge: () => Edge<unknown>, share?: number): Promise<void>;
  held(): Promise<Both>;
  /** Before the first input. */
  base(): Both;
  /** Of the tenant of the inputs: how many viewers Redis counts, over all its sessions and of the one session. */
  viewers(): Promise<number>;
}

export interface Both {
  readonly gateway: Held;
  readonly worker: Held;
}

/** For `expect.poll`: longer than any idle connection is kept, and any client that went is waited for. */
export const SETTLED = { timeout: 2 * ANSWER_LIMIT_MS, interval: 250 } as const;

export function describeFuzz({ runs, redisUrl }: { readonly runs: number; readonly redisUrl: string }, tests: (fuzz: Fuzz) => void): void {
  const options = fuzzOptions(runs);
  const releasers = createReleasers();
  const rounds = new Map<string, number>();
  let stage: Stage;
  let redis: Redis;
  let edges: Edges;
  let base: Both;
  let turn: Promise<unknown> = Promise.resolve();
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

  /** What is found in a role's log is the fault of the edge that was tried then. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = turn.then(work);
    turn = done.catch(() => undefined); // told to whom it belongs
    return done;
  }

  describe('bad inputs bring nothing down, and nobody else notices them', () => {
    tests({
      edges: new Proxy({} as Fuzz['edges'], { get: (_, name) => () => edges[name as keyof Edges] }), // what is asked for is one of them
      async run(edge, share = 1) {
        const one = edge();
        // Each round of an edge has inputs of its own.
        const round = rounds.get(one.name) ?? 0;
        rounds.set(one.name, round + 1);
        const size = { seed: options.seed + round, runs: Math.max(1, Math.ceil(options.runs * share)) };
        if (one.isBeside === true) return runEdge(one, stage.beside, size);
        await inTurn(async () => {
          await runEdge(one, subjectFor(one.name, stage), size);
          await stage.canary.nextCode();
        });
      },
      held: () => inTurn(held),
      base: () => base,
      viewers: () =>
        inTurn(async () => {
          const { namespace, tenant, target } = stage;
          return (await redis.hlen(viewersOfTenantKey(namespace, tenant.id))) + (await redis.hlen(viewersKey(namespace, target.sessionId)));
        }),
    });
  });
}

/** A worker has looked when the canary has its next code. Whom a broken record in Redis belongs to is refused, and the log says so. */
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
