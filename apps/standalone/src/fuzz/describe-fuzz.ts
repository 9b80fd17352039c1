/** What the short and the long form share: the stage, and every edge on it. */

import { openProvider } from '@qrcast/provider/provider';
import { createReleasers } from '@qrcast/runtime/releasers';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe } from 'vitest';
import { httpEdge } from './http.ts';
import { notificationEdge } from './notifications.ts';
import { fileEdge, roleEnvironmentEdge, settingsEdge } from './own-side.ts';
import { type HostileProvider, openHostileProvider, polledEdge, providerEdge } from './provider-answers.ts';
import { redisEdge } from './redis.ts';
import { type Edge, fuzzOptions, runEdge, tolerating } from './run-edge.ts';
import { socketIoEdge } from './socketio.ts';
import { openStage, PLANTED, type Stage } from './stage.ts';
import { webSocketEdge } from './websocket.ts';

/** Made when a test runs, for the stage is up only then. */
type Edges = ReturnType<typeof edgesOf>;

export interface Fuzz {
  readonly edges: { readonly [Name in keyof Edges]: () => Edges[Name] };
  /** `share` of the runs, for edges whose inputs cost more. */
  run<Input>(edge: () => Edge<Input>, share?: number): Promise<void>;
  stage(): Stage;
}

export function describeFuzz({ runs, redisUrl }: { readonly runs: number; readonly redisUrl: string }, tests: (fuzz: Fuzz) => void): void {
  const options = fuzzOptions(runs);
  const releasers = createReleasers();
  let stage: Stage;
  let edges: Edges;
  let round = 0;
  beforeAll(async () => {
    const hostile = await openHostileProvider(PLANTED);
    releasers.push('hostile provider', () => hostile.close());
    stage = await openStage(redisUrl, hostile);
    releasers.push('stage', () => stage.close());
    const redis = new Redis(redisUrl);
    releasers.push('redis', () => void redis.disconnect());
    const provider = openProvider({ qrTimeoutMs: 300, requestTimeoutMs: 300, bodyTimeoutMs: 200 });
    releasers.push('provider', () => provider.close());
    edges = edgesOf(stage, hostile, redis, provider);
  });
  afterAll(() => releasers.release());

  describe('bad inputs bring nothing down, and nobody else notices them', () => {
    tests({
      stage: () => stage,
      edges: new Proxy({} as Fuzz['edges'], { get: (_, name) => () => edges[name as keyof Edges] }),
      async run(edge, share = 1) {
        const one = edge() as Edge<unknown>;
        // Each edge and each round of it has inputs of its own.
        const seed = options.seed + round++;
        await runEdge(one, subjectFor(one.name, stage), { seed, runs: Math.max(1, Math.ceil(options.runs * share)) });
        await stage.canary.nextCode();
      },
    });
  });
}

/** A worker has looked when the canary has its next code. Whom a broken record in Redis belongs to is refused, and the log says so. */
function subjectFor(name: string, stage: Stage): ReturnType<typeof tolerating> | Stage {
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
