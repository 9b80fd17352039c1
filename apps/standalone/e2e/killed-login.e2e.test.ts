/** `qrcast login` is killed, so that it cannot clean up. */

import { readdirSync } from 'node:fs';
import { openSimulator, type Simulator } from '@qrcast/simulator/simulator';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { childrenOf, isRunning, type LoginRun, startLogin, untilGone } from '../test/login.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await openSimulator();
});
afterAll(() => simulator.close());

const runs: LoginRun[] = [];
afterEach(async () => {
  for (const run of runs.splice(0)) await run.clean();
});

interface Login {
  readonly run: LoginRun;
  readonly redis: number;
  readonly watchdog: number;
}

/** Starts a login, and waits for its code. */
async function login(): Promise<Login> {
  const instance = simulator.createInstance();
  const run = await startLogin(['login', '--id', instance.idInstance, '--api-url', simulator.url, '--json'], {
    env: { GREEN_API_TOKEN: instance.apiToken },
  });
  runs.push(run);
  await run.until(() => run.output().includes('"state":"showing"'));
  const [redis = 0, ...others] = childrenOf(run.pid());
  const [watchdog = 0, ...more] = childrenOf(redis);
  expect([...others, ...more]).toEqual([]);
  return { run, redis, watchdog };
}

async function kill({ run }: Login): Promise<void> {
  process.kill(run.pid(), 'SIGKILL');
  expect(await run.ended).toBeNull();
}

describe('a login that is killed', () => {
  it('leaves nothing behind: no Redis, no folder and no watchdog', async () => {
    const killed = await login();
    await kill(killed);
    await untilGone([killed.redis, killed.watchdog]);
    expect(readdirSync(killed.run.folder)).toEqual([]);
  });

  it('leaves its Redis running if the watchdog is killed as well (twin)', async () => {
    const killed = await login();
    process.kill(killed.watchdog, 'SIGKILL');
    await untilGone([killed.watchdog]);
    await kill(killed);
    // No process is left that could end it.
    expect(isRunning(killed.redis)).toBe(true);
    expect(readdirSync(killed.run.folder)).toHaveLength(1);
    process.kill(killed.redis, 'SIGTERM');
    await untilGone([killed.redis]);
  });

  it('continues and ends in order if only its watchdog was killed, and otherwise ends the watchdog', async () => {
    const [bare, whole] = await Promise.all([login(), login()]);
    process.kill(bare.watchdog, 'SIGKILL');
    await untilGone([bare.watchdog]);
    for (const { run, redis, watchdog } of [bare, whole]) {
      process.kill(run.pid(), 'SIGTERM');
      expect(await run.ended).toBe(143);
      expect(run.errors()).toBe('');
      await untilGone([redis, watchdog]);
      expect(readdirSync(run.folder)).toEqual([]);
    }
  });
});
