/**
 * Global set-up of vitest: one private Redis for the tests of a package. Each test uses a namespace
 * of its own.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { findRedisProgram, openRedisServer } from '../src/redis/redis-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    redisUrl: string;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
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
