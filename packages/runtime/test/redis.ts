/**
 * Global set-up of vitest: one private Redis for the tests of a package. Each test uses a namespace
 * of its own. `QRCAST_TEST_REDIS` is `sentinel` or `cluster` to run them on another set-up.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { findRedisProgram, openRedisServer } from '../src/redis/redis-server.ts';
import { openClusterStage } from './cluster-stage.ts';
import { openSentinelStage } from './sentinel-stage.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the set-up that the tests run on. */
    redisUrl: string;
    /** Of one server, always: for tests that cut, freeze or watch the connections to it. */
    serverUrl: string;
    /** Each server that gets commands at the start. */
    redisServers: string[];
  }
}

/** What the tests run on. */
const SET_UP = process.env['QRCAST_TEST_REDIS'] ?? 'server';
const STAGES = { sentinel: openSentinelStage, cluster: openClusterStage };

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await openServer();
  project.provide('serverUrl', server.url);
  if (SET_UP === 'server') {
    project.provide('redisUrl', server.url);
    project.provide('redisServers', [server.url]);
    return server.close;
  }
  const openStage = STAGES[SET_UP as keyof typeof STAGES];
  if (openStage === undefined) throw new Error(`QRCAST_TEST_REDIS: expected server, sentinel or cluster, but got "${SET_UP}"`);
  const stage = await openStage();
  project.provide('redisUrl', stage.url);
  project.provide(
    'redisServers',
    (await stage.masters()).map(({ port }) => `redis://:${stage.password}@127.0.0.1:${port}`),
  );
  return async () => {
    await stage.close();
    await server.close();
  };
}

async function openServer(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const program = findRedisProgram(process.env['PATH'] ?? '');
  if (program === null)
    throw new Error('these tests need a real Redis; install it (Debian: apt-get install redis-server) or run `pnpm test` at the root');
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-test-'));
  const server = await openRedisServer({ program, folder, persistent: false });
  return {
    url: server.url,
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
