/**
 * For leak tests: a gateway and a worker over a Redis of their own that have lived through one
 * round, and what they held and kept after it.
 */

import { setTimeout as delay } from 'node:timers/promises';
import type { Releasers } from '@qrcast/runtime/releasers';
import { openTestProxy, type TestProxy } from '@qrcast/runtime/test/proxy';
import { openTestReceiver } from '@qrcast/runtime/test/receiver';
import { expect } from 'vitest';
import { runRound, subscribeTenant } from './coming-and-going.ts';
import type { Held } from './count-held.ts';
import { type FaultStage, openFaultStage, type StagedSession } from './fault-stage.ts';
import { COUNTED, moreThan, readBase, readHeld } from './held.ts';
import { grownKeys, isUndue, type KeySizes, letTimePass, readSizes } from './kept-keys.ts';
import type { StagedRole } from './staged-role.ts';

export interface LeakStage {
  readonly stage: FaultStage;
  /** Between both roles and the simulated provider. */
  readonly provider: TestProxy;
  readonly gateway: StagedRole;
  readonly worker: StagedRole;
  /** What both held after the first round. */
  readonly held: { readonly gateway: Held; readonly worker: Held };
  /** What Redis kept after the first round, when all times had passed. */
  readonly sizes: KeySizes;
}

/**
 * A connection to the tenant's server is kept for seconds. A job whose end was lost with a frozen
 * connection is taken again after half a minute. This only ends a test that fails.
 */
const GONE_WITHIN_MS = 80_000;
const LOOK_AGAIN_MS = 250;
/** More than in any later round: what is opened once, such as a pool, is there afterwards. */
const FIRST_SESSIONS = 6;

/** Everything it opens is pushed to `releasers`. */
export async function openLeakStage(releasers: Releasers): Promise<LeakStage> {
  const receiver = await openTestReceiver();
  releasers.push('receiver', () => receiver.close());
  let providerPort = 0;
  const provider = await openTestProxy(() => providerPort);
  releasers.push('proxy', () => provider.close());
  const apiUrl = `http://127.0.0.1:${provider.port}`;
  const opened = await openFaultStage({ env: { ...COUNTED, QRCAST_CALLBACK_HOSTS: receiver.url, QRCAST_UPSTREAM_HOSTS: apiUrl } });
  releasers.push('stage', () => opened.close());
  providerPort = Number(new URL(opened.simulator.url).port);
  const stage = { ...opened, create: () => createAt(opened, apiUrl) };
  await subscribeTenant(stage, receiver);
  const [gateway, worker] = [stage.gateways[0], stage.workers[0]];
  await runRound(stage, { sessions: FIRST_SESSIONS, harm: 'cut' });
  // A busy machine may have ended it, and the next new code starts it again.
  while (!hasReadingThread(await readHeld(worker))) await runRound(stage, { sessions: 1, harm: 'cut' });
  const sizes = await untilTimeHasPassed(stage);
  provider.cut();
  const held = { gateway: await readBase(gateway), worker: await readBase(worker) };
  return { stage, provider, gateway, worker, held, sizes };
}

/** Whether it has the thread that reads codes. Its base counts what that takes. */
const hasReadingThread = ({ listeners }: Held): boolean => (listeners['Worker exit'] ?? 0) > 0;

/** A session of a new instance, which is asked at `apiUrl`. */
async function createAt({ call, newInstance }: FaultStage, apiUrl: string): Promise<StagedSession> {
  const instance = newInstance();
  const response = await call('POST', '/v1/sessions', { instanceId: instance.idInstance, apiToken: instance.apiToken, apiUrl });
  expect(response.status).toBe(201);
  return { instance, ...((await response.json()) as Omit<StagedSession, 'instance'>) };
}

/**
 * Resolves to what Redis keeps when all that was to be done is done.
 *
 * @param base if given, what it may keep then
 * @throws {Error} that names what stays
 */
export async function untilTimeHasPassed({ redis: { admin } }: FaultStage, base?: KeySizes): Promise<KeySizes> {
  let sizes: KeySizes = {};
  await untilNone('Redis keeps', async () => {
    await letTimePass(admin);
    sizes = await readSizes(admin);
    return [...Object.keys(sizes).filter(isUndue), ...(base === undefined ? [] : grownKeys(base, sizes))];
  });
  return sizes;
}

/** Resolves once neither role holds more than after the first round, and Redis keeps no more. */
export async function expectNothingMore({ stage, provider, gateway, worker, held, sizes }: LeakStage): Promise<void> {
  // Idle connections of callers, and to the provider, would be kept for a minute.
  gateway.front.cut();
  provider.cut();
  await untilNone('the gateway holds', async () => moreThan(held.gateway, await readHeld(gateway)));
  await untilNone('the worker holds', async () => moreThan(held.worker, await readHeld(worker)));
  await untilTimeHasPassed(stage, sizes);
  expect([gateway, worker].flatMap(({ lines }) => lines()).filter(({ msg }) => msg === 'a warning of Node')).toEqual([]);
}

/** @throws {Error} if there is still something then */
async function untilNone(what: string, look: () => Promise<readonly string[]>): Promise<void> {
  const deadline = performance.now() + GONE_WITHIN_MS;
  for (;;) {
    const found = await look();
    if (found.length === 0) return;
    if (performance.now() > deadline) throw new Error(`${what}: ${found.join(', ')}`);
    await delay(LOOK_AGAIN_MS);
  }
}
