/**
 * A rolling restart under load: every gateway and every worker is replaced while people log in.
 * Nobody is lost, no login is missed, and nothing stays behind.
 */

import { createReleasers } from '@qrcast/runtime/releasers';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { keysThatStay, mayStay } from '../test/kept-keys.ts';
import type { Program } from '../test/role-process.ts';
import {
  openRollingStage,
  type RollingStage,
  stopped,
  WATCH_TRANSPORTS,
  type Watched,
  type WatchTransport,
} from '../test/rolling-stage.ts';

const INTERVAL_MS = 4_000;
const ENV = { QRCAST_POLL_INTERVAL_MS: String(INTERVAL_MS), QRCAST_DRAIN_MS: '2000' };
const TRANSPORTS = Object.keys(WATCH_TRANSPORTS) as WatchTransport[];

const releasers = createReleasers();
let stage: RollingStage;
beforeEach(async () => {
  stage = await openRollingStage(inject('redisUrl'), ENV, releasers);
});
afterEach(() => releasers.release());

interface Login {
  readonly instance: ReturnType<RollingStage['newInstance']>;
  readonly viewers: readonly Watched[];
}

/** A session with a viewer over each transport, all of which see its code. */
async function openLogin(): Promise<Login> {
  const instance = stage.newInstance();
  const ticket = await stage.createSession(instance);
  const viewers = TRANSPORTS.map((transport) => stage.watch(ticket, transport));
  await Promise.all(viewers.map(({ until }) => until(({ state }) => state === 'showing')));
  return { instance, viewers };
}

const isConnected = ({ state }: { readonly state: string }): boolean => state === 'connected';

it('loses no viewer, no login and no poll', async () => {
  const { startGateway, startWorker } = stage;
  const [gateways, workers] = await Promise.all([
    Promise.all([startGateway(), startGateway()]),
    Promise.all([startWorker(), startWorker()]),
  ]);
  for (const { port } of gateways) stage.ports.add(port);
  const logins: Login[] = [];
  for (let i = 0; i < gateways.length + workers.length + 1; i++) logins.push(await openLogin());
  const scan = (i: number): void => logins[i]?.instance.scan();

  const next = await Promise.all(gateways.map(() => startGateway()));
  const running: Program[] = [];
  for (const [i, old] of gateways.entries()) {
    running.push(next[i] ?? expect.unreachable('as many'));
    stage.ports.add(next[i]?.port ?? 0);
    stage.ports.delete(old.port);
    const status = stopped(old);
    await old.until(/stopping; a second signal stops at once/);
    scan(i);
    expect(await status).toBe(0);
  }
  for (const [i, old] of workers.entries()) {
    running.push(await startWorker());
    const status = stopped(old);
    await old.until(/stopping; a second signal stops at once/);
    scan(i + 2);
    expect(await status).toBe(0);
  }
  const last = logins.at(-1) ?? expect.unreachable('there are several');
  const asked = last.instance.requests.length;
  await last.instance.untilRequests(asked + 2);
  last.instance.scan();

  for (const { viewers } of logins) {
    const ends = await Promise.all(viewers.map(({ until }) => until(isConnected)));
    expect(new Set(ends.map(({ version }) => version)).size).toBe(1);
    for (const { sessions, connections } of viewers) {
      const versions = sessions.map(({ version }) => version);
      expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
      expect(sessions.findIndex(isConnected)).toBe(sessions.length - 1);
      expect(connections.filter(({ status }) => status === 'refused')).toEqual([]);
    }
  }
  // They were told to go elsewhere; none had to notice it by a lost connection.
  const reasons = logins.flatMap(({ viewers }) => viewers.flatMap(({ connections }) => connections.map(reasonOf)));
  expect(reasons).toContain('draining');

  // A poll that is missed leaves a gap of two intervals.
  const starts = last.instance.requests.map(({ startedAt }) => startedAt);
  const gaps = starts.slice(1).map((startedAt, i) => startedAt - (starts[i] ?? 0));
  expect(Math.max(...gaps)).toBeLessThan(2 * INTERVAL_MS);
  expect(last.instance.requests.some(({ overlapped }) => overlapped)).toBe(false);

  expect(await Promise.all(running.map(stopped))).toEqual(running.map(() => 0));
  const staying = await keysThatStay(stage.redis, stage.namespace);
  expect(staying).toContain('qrcast:tenants');
  expect(staying.filter((key) => !mayStay(key))).toEqual([]);
});

function reasonOf(connection: Watched['connections'][number]): string | null {
  return connection.status === 'retrying' ? connection.code : null;
}
