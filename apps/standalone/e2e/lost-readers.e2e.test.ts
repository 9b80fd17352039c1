/** Programs whose output nobody reads. They go on working, and end when asked to. */

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findRedisProgram, openRedisServer } from '@qrcast/runtime/redis/redis-server';
import { createReleasers } from '@qrcast/runtime/releasers';
import { openSimulator, type Simulator } from '@qrcast/simulator/simulator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE_ENVIRONMENT } from '../test/base-environment.ts';
import { openPipe, type Pipe } from '../test/pipe.ts';

const releasers = createReleasers();
let simulator: Simulator;
beforeAll(async () => {
  simulator = await openSimulator();
  releasers.push('simulator', () => simulator.close());
});
afterAll(() => releasers.release());

interface Kind {
  readonly main: string;
  /** With its port, if it listens. */
  readonly isUp: RegExp;
  readonly extra: () => { readonly args?: readonly string[]; readonly env?: Readonly<Record<string, string>> };
}

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const mainOf = (name: string): string => fileURLToPath(import.meta.resolve(name));

const KINDS: Readonly<Record<string, Kind>> = {
  gateway: { main: mainOf('@qrcast/gateway/main'), isUp: /"port":(\d+).*gateway listens/, extra: () => ({}) },
  worker: { main: mainOf('@qrcast/worker/main'), isUp: /"port":(\d+).*worker is up/, extra: () => ({}) },
  start: { main: here('../src/main.ts'), isUp: /:(\d+)\/connect.*Ctrl-C stops everything/s, extra: () => ({}) },
  'qrcast login': {
    main: here('../src/cli.ts'),
    isUp: /"state":"showing"/,
    extra() {
      const { idInstance, apiToken } = simulator.createInstance();
      return { args: ['login', '--json', '--id', idInstance, '--api-url', simulator.url], env: { GREEN_API_TOKEN: apiToken } };
    },
  },
};

interface Running {
  readonly child: ChildProcess;
  /** stdout and stderr together. */
  readonly pipe: Pipe;
  readonly port: string | undefined;
  stopRedis(): Promise<void>;
  /** Its status; null after a signal that it does not handle. */
  readonly ended: Promise<number | null>;
}

async function startUp({ main, isUp, extra }: Kind): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), 'qrcast-readers-'));
  releasers.push('folder', () => rmSync(folder, { recursive: true, force: true }));
  const program = findRedisProgram(process.env['PATH'] ?? '');
  if (program === null) throw new Error('this test needs redis-server');
  const redis = await openRedisServer({ program, folder, persistent: false });
  releasers.push('redis', () => redis.close());
  const pipe = openPipe();
  const { args = [], env = {} } = extra();
  const child = spawn(process.execPath, [main, ...args], {
    cwd: folder,
    stdio: ['ignore', pipe.writeEnd, pipe.writeEnd],
    env: {
      ...BASE_ENVIRONMENT,
      TMPDIR: folder,
      REDIS_URL: redis.url,
      PORT: '0',
      QRCAST_SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
      QRCAST_DRAIN_MS: '0',
      QRCAST_LOG_LEVEL: 'trace',
      ...env,
    },
  });
  pipe.started();
  const ended = once(child, 'exit').then(([status]) => status as number | null);
  releasers.push('program', async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const early = ended.then((status) => Promise.reject(new Error(`it ended with ${status}:\n${pipe.output()}`)));
  early.catch(() => undefined); // once the program is up, its end is part of the test
  const [, port] = await Promise.race([pipe.until(isUp), early]);
  return { child, pipe, port, ended, stopRedis: () => redis.close() };
}

/** So many requests that their log lines fill a pipe. */
async function ask(port: string): Promise<void> {
  for (let i = 0; i < 20; i++) expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
}

describe.concurrent.for(Object.entries(KINDS))('%s', ([, kind]) => {
  it('answers while its reader has stalled, and ends on SIGTERM without Redis', async () => {
    const { child, pipe, port, ended, stopRedis } = await startUp(kind);
    pipe.stall();
    if (port !== undefined) await ask(port);
    await stopRedis();
    child.kill('SIGTERM');
    expect(await ended).not.toBeNull();
    pipe.lose();
  });

  it('answers when its reader has gone, and ends on SIGHUP without Redis', async () => {
    const { child, pipe, port, ended, stopRedis } = await startUp(kind);
    pipe.lose();
    if (port !== undefined) await ask(port);
    await stopRedis();
    child.kill('SIGHUP');
    expect(await ended).not.toBeNull();
  });
});
