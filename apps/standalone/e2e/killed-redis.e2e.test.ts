/**
 * The Redis of the whole installation is killed and started again: with all that it had, with an
 * older snapshot, and with nothing. Gateway and worker recover by themselves, and every viewer gets
 * the true state, or is told that there is no such session any more.
 */

import type { SessionState } from '@qrcast/client/types';
import { describe, expect, it, type TestContext } from 'vitest';
import { type FaultStage, openFaultStage, type StagedSession } from '../test/fault-stage.ts';
import { createFirstSession } from '../test/first-session.ts';
import { openWatch, WATCH_TRANSPORTS, type Watched, type WatchTransport } from '../test/rolling-stage.ts';

const TRANSPORTS = Object.keys(WATCH_TRANSPORTS) as WatchTransport[];

interface Scene extends FaultStage {
  /** A viewer over each transport, as `@qrcast/client` makes it. */
  openViewers(ticket: string): readonly Watched[];
  /** Resolves when each viewer has been refused, once and for good. */
  untilTold(viewers: readonly Watched[], code: RegExp): Promise<void>;
}

const refusalsOf = ({ connections }: Watched): string[] => connections.flatMap((one) => (one.status === 'refused' ? [one.code] : []));

/** Everything that it opens is closed after the test. */
async function openScene(isPersistent: boolean, { expect, onTestFinished }: TestContext): Promise<Scene> {
  const stage = await openFaultStage({ isPersistent });
  const open: Watched[] = [];
  onTestFinished(async () => {
    for (const viewer of open) viewer.close();
    await stage.close();
  });
  return {
    ...stage,
    openViewers(ticket) {
      const viewers = TRANSPORTS.map((transport) => openWatch(stage.gateways[0].url, ticket, transport));
      open.push(...viewers);
      return viewers;
    },
    async untilTold(viewers, code) {
      await expect.poll(() => viewers.map(refusalsOf)).toEqual(viewers.map(() => [expect.stringMatching(code)]));
    },
  };
}

interface Watching extends StagedSession {
  readonly viewers: readonly Watched[];
}

const untilAll = (viewers: readonly Watched[], state: SessionState) =>
  Promise.all(viewers.map(({ until }) => until((session) => session.state === state)));

/** A session with a viewer over each transport, all of which see its code. */
async function watchOne(scene: Scene): Promise<Watching> {
  const created = await scene.create();
  const viewers = scene.openViewers(created.ticket);
  await untilAll(viewers, 'showing');
  return { ...created, viewers };
}

/** Kills Redis, waits until both roles say that they are not ready, and starts it again. */
async function killAndRestart({ redis, gateways, workers }: FaultStage, meanwhile: () => Promise<void>): Promise<void> {
  await redis.kill();
  const said = await Promise.all([...gateways, ...workers].map((role) => role.untilReadyz(503)));
  for (const { text } of said) expect(text).toMatch(/not ready.*(the Redis connection for .* is lost|Redis does not answer)/);
  await meanwhile();
  await redis.restart();
  await Promise.all([...gateways, ...workers].map((role) => role.untilReadyz(200)));
}

/** A new session shows its code to viewers over each transport, and its login reaches them. */
async function expectWork(scene: Scene): Promise<void> {
  const { instance, viewers } = await watchOne(scene);
  instance.scan();
  await untilAll(viewers, 'connected');
}

/** Its sessions are polled and its viewers are served. */
async function expectNewTenant({ gateways, simulator, adminKey, openViewers }: Scene): Promise<void> {
  const { instance, ticket } = await createFirstSession(gateways[0].url, adminKey, simulator);
  const viewers = openViewers(ticket);
  await untilAll(viewers, 'showing');
  instance.scan();
  await untilAll(viewers, 'connected');
}

// At once, because they mostly wait.
describe.concurrent('a Redis that is killed and comes back', () => {
  it('with its append-only file: nothing is lost, not even a login meanwhile', async (test) => {
    const scene = await openScene(true, test);
    const waiting = await watchOne(scene);
    const { instance, viewers } = await watchOne(scene);
    await killAndRestart(scene, async () => {
      expect((await scene.call('GET', '/v1/sessions')).status).toBe(503);
      instance.scan();
    });
    await untilAll(viewers, 'connected');
    const { version } = waiting.viewers[0]?.sessions.at(-1) ?? expect.unreachable('it has seen a code');
    await Promise.all(waiting.viewers.map(({ until }) => until((session) => session.state === 'showing' && session.version > version)));
    waiting.instance.scan();
    await untilAll(waiting.viewers, 'connected');
    await expectWork(scene);
    expect([...viewers, ...waiting.viewers].flatMap(refusalsOf)).toEqual([]);
  });

  it('with a snapshot older than the session: its viewers are told that it does not exist', async (test) => {
    const scene = await openScene(false, test);
    await scene.redis.save();
    const { session, viewers } = await watchOne(scene);
    await killAndRestart(scene, async () => undefined);
    await scene.untilTold(viewers, /^not_found$/);
    expect((await scene.call('GET', `/v1/sessions/${session.id}`)).status).toBe(404);
    await expectWork(scene);
  });

  it('with nothing: viewers and API keys are refused, and a tenant that is made anew works', async (test) => {
    const scene = await openScene(false, test);
    const { viewers } = await watchOne(scene);
    await killAndRestart(scene, async () => undefined);
    await scene.untilTold(viewers, /^(not_found|unauthenticated)$/); // the session or its tenant is missed first
    expect((await scene.call('GET', '/v1/sessions')).status).toBe(401);
    await expectNewTenant(scene);
  });
});
