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
    redisUrl: string;
  }
}

/** What the tests run on. */
export const SET_UP = process.env['QRCAST_TEST_REDIS'] ?? 'server';

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (SET_UP === 'server') return openServer(project);
  const stage = SET_UP === 'cluster' ? await openClusterStage() : await openSentinelStage();
  project.provide('redisUrl', stage.url);
  return () => stage.close();
}

async function openServer(project: TestProject): Promise<() => Promise<void>> {
  const program = findRedisProgram(process.env['PATH'] ?? '');
  if (program === null)
    throw new Error('these tests need a real Redis; install it (Debian: apt-get install redis-server) or run `pnpm test` at the root');
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-test-'));
  const server = await openRedisServer({ program, folder, persistent: false });
  project.provide('redisUrl', server.url);
  return async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  };
}
