/** `qrcast login` over more than one attempt, in real time. */

import { openSimulator, type Simulator } from '@qrcast/simulator/simulator';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type LoginRun, startLogin } from '../test/login.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await openSimulator({ rotateMs: 4_000 });
});
afterAll(() => simulator.close());

const runs: LoginRun[] = [];
afterEach(async () => {
  for (const run of runs.splice(0)) await run.clean();
});

describe('qrcast login', () => {
  it('begins a new attempt after a deadline, until its own time is up: 4', async () => {
    const instance = simulator.createInstance();
    const args = ['login', '--id', instance.idInstance, '--api-url', simulator.url, '--json', '--timeout', '45'];
    const run = await startLogin(args, { env: { GREEN_API_TOKEN: instance.apiToken, QRCAST_ATTEMPT_MS: '20000' } });
    runs.push(run);
    expect(await run.ended).toBe(4);
    const events = run
      .output()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly state?: string; readonly startedAt?: number });
    const deadline = events.findIndex(({ state }) => state === 'ended');
    expect(events[deadline]).toMatchObject({ end: { reason: 'deadline', resumable: true } });
    const resumed = events.slice(deadline).find(({ state }) => state === 'showing');
    expect(resumed?.startedAt).toBeGreaterThan(events[deadline]?.startedAt ?? Number.POSITIVE_INFINITY);
    expect(events.at(-1)).toEqual({ event: 'ended', reason: 'timeout', exitCode: 4 });
  });
});
