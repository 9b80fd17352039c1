/**
 * Nginx with nchan. The role's own process only starts it: `usage` is that of nginx, and `stallMs` says
 * nothing of it.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@qrcast/runtime/redis/free-port';
import { spawnGuarded } from '@qrcast/runtime/redis/redis-server';
import type { Releasers } from '@qrcast/runtime/releasers';
import { request } from 'undici';
import { NCHAN_PUBLISH_PATH, type NchanProgram, nchanConfig } from '../nchan-program.ts';
import { soon } from '../pace.ts';
import { usageOfFamily } from '../process-usage.ts';
import { serveRole, type Usage } from '../role-process.ts';

const READY_WITHIN_MS = 10_000;

export type NchanMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  let pid: number | undefined;
  return {
    /** @throws {Error} if it does not come up. Resolves to its `host:port`. */
    async start(program: NchanProgram, redisUrl: string): Promise<{ host: string }> {
      const folder = await mkdtemp(join(tmpdir(), 'qrcast-bench-nginx-'));
      releasers.push('folder', () => rm(folder, { recursive: true, force: true }));
      const [port, file] = [await freePort(), join(folder, 'nginx.conf')];
      await writeFile(file, nchanConfig(program, { port, redisUrl, folder }));
      const nginx = spawnGuarded([program.nginx, '-p', folder, '-e', '/dev/null', '-c', file], folder, '');
      releasers.push('nginx', () => nginx.close());
      pid = nginx.pid;
      await Promise.race([
        ready(port),
        nginx.ended.then(() => Promise.reject(new Error('nginx has ended; is its module of its version?'))),
      ]);
      return { host: `127.0.0.1:${port}` };
    },
    async usage(): Promise<Usage> {
      if (pid === undefined) throw new Error('start first');
      return usageOfFamily(pid);
    },
  };
}

/** Until it is connected to Redis it answers 503. A channel without messages is answered 404. */
async function ready(port: number): Promise<void> {
  for (const end = Date.now() + READY_WITHIN_MS; Date.now() < end; ) {
    const status = await statusOf(`http://127.0.0.1:${port}${NCHAN_PUBLISH_PATH}ready`);
    if (status === 404) return;
    await soon();
  }
  throw new Error(`nginx was not ready within ${READY_WITHIN_MS} ms`);
}

/** @returns null if nothing answers yet */
async function statusOf(url: string): Promise<number | null> {
  try {
    const { statusCode, body } = await request(url);
    await body.dump();
    return statusCode;
  } catch {
    return null;
  }
}

serveRole(createMethods);
