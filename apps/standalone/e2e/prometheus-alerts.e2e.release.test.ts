/**
 * Each alert fires at a real fault of a running system, and goes out again once the fault is over.
 * The durations of the rules are divided, their thresholds are as they are. promtool proves the same
 * rules with their whole durations (infra/monitoring/alerts.test.yaml).
 */

import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openTestReceiver } from '@qrcast/runtime/test/receiver';
import { describe, expect, it, type TestContext } from 'vitest';
import { ageCallbacks, endLogins, failLogins, logIn, watchMany } from '../test/alert-load.ts';
import { type StagedSession, sendCallbacksTo } from '../test/fault-stage.ts';
import { isMissing } from '../test/find-program.ts';
import {
  fires,
  haveFired,
  type MonitoredStage,
  type MonitoredStageOptions,
  namesFiring,
  openMonitoredStage,
} from '../test/monitored-stage.ts';
import type { StagedRole } from '../test/staged-role.ts';
import { openTlsFront } from '../test/tls-front.ts';

/** Windows of 5 minutes have ten scrapes. */
const QUICK = { scrapeEverySeconds: 1, divisor: 30 } as const;
/** A scrape asks Redis, which answers after a second or more. */
const FAR = { scrapeEverySeconds: 4, divisor: 12 } as const;
/** While Redis does not answer, a scrape takes 5 s. */
const PATIENT = { scrapeEverySeconds: 8, divisor: 10 } as const;
/** A poll needs several answers of Redis, a delivery none. With more, too few polls would begin. */
const SLOW_BY_MS = { gateways: 500, workers: 200 } as const;
/** Longer than the alert allows, and several times between two scrapes. */
const STOPPED_MS = 1_500;
const RUNNING_MS = 300;
const ELEVEN_MINUTES_MS = 660_000;
const PROVIDER_ALERTS = ['QrcastCodesMissing', 'QrcastCodesSlowlyMissing', 'QrcastProviderFailing'];

/** All that have fired and gone out again in this file. */
const proven = new Set<string>();

interface Scene extends MonitoredStage {
  untilFires(name: string, labels?: Readonly<Record<string, string>>): Promise<void>;
  untilOut(...names: readonly string[]): Promise<void>;
}

async function openScene({ expect, onTestFinished }: TestContext, options: MonitoredStageOptions): Promise<Scene> {
  const stage = await openMonitoredStage(options);
  onTestFinished(() => stage.close());
  const fired = new Set<string>();
  return {
    ...stage,
    async untilFires(name, labels) {
      await expect.poll(() => fires(stage.prometheus, name, labels)).toBe(true);
      fired.add(name);
    },
    async untilOut(...names) {
      await expect.poll(() => firingOf(stage, names)).toEqual([]);
      for (const name of names) if (fired.has(name)) proven.add(name);
    },
  };
}

// At once, because they mostly wait.
describe.skipIf(isMissing('prometheus'))('alerts', () => {
  describe.concurrent('fire and go out again', () => {
    it('at a provider that gives no codes, and not at as many logins with codes', async (test) => {
      const scene = await openScene(test, QUICK);
      await logIn(scene, 30);
      test.expect(await haveFired(scene.prometheus)).not.toContain('QrcastProviderFailing');
      await scene.untilOut(...PROVIDER_ALERTS); // on a slow machine a code takes longer than 10 s, too

      const failing: StagedSession[] = [];
      while ((await firingOf(scene, PROVIDER_ALERTS)).length < PROVIDER_ALERTS.length) failing.push(...(await failLogins(scene, 3)));
      await scene.untilFires('QrcastProviderFailing', { host: new URL(scene.simulator.url).host });

      await endLogins(scene, failing);
      while ((await firingOf(scene, PROVIDER_ALERTS)).length > 0) await logIn(scene, 2);
      for (const name of PROVIDER_ALERTS) proven.add(name);
    });

    it.for([
      { name: 'QrcastDeliveriesLate', roles: 'gateways', counted: 'sum(qrcast_delivery_seconds_count)' },
      { name: 'QrcastPollsLate', roles: 'workers', counted: 'sum(qrcast_poll_lateness_seconds_count)' },
    ] as const)('$name: Redis is far from the $roles', async ({ name, roles, counted }, test) => {
      const scene = await openScene(test, FAR);
      await watchMany(scene, 15);
      // As much work without the fault. A slow machine may need a moment until it is in time.
      await test.expect.poll(async () => (await scene.prometheus.ask(counted))[0]?.value).toBeGreaterThan(120);
      await scene.untilOut(name);

      scene[roles][0].redis.delay(SLOW_BY_MS[roles]);
      await scene.untilFires(name, roles === 'workers' ? { instance: scene.instanceOf(scene.workers[0]) } : {});
      scene[roles][0].redis.delay(0);
      await scene.untilOut(name);
    });

    it('at one killed worker of two, at both, and at the only gateway', async (test) => {
      const scene = await openScene(test, { ...QUICK, workers: 2 });
      const [first, second = first] = scene.workers;
      await first.kill();
      await scene.untilFires('QrcastProcessDown', { instance: scene.instanceOf(first) });
      await scene.untilOut('QrcastRoleMissing'); // a scrape in a second is too much for a slow machine now and then
      await second.kill();
      await scene.untilFires('QrcastRoleMissing', { role: 'worker' });
      await scene.gateways[0].kill();
      await scene.untilFires('QrcastRoleMissing', { role: 'gateway' });

      for (const role of [first, second, scene.gateways[0]]) await scene.restart(role);
      await scene.untilOut('QrcastProcessDown', 'QrcastRoleMissing');
    });

    it('at a full Redis and at a frozen one, although every process answers', async (test) => {
      const scene = await openScene(test, PATIENT);
      const roles = [...scene.gateways, ...scene.workers];
      await scene.redis.refuseWrites('OOM');
      for (const role of roles) await scene.untilFires('QrcastRedisNotWritable', { instance: scene.instanceOf(role) });
      await scene.redis.acceptWrites();
      await scene.untilOut('QrcastRedisNotWritable');
      test.expect(await haveFired(scene.prometheus)).not.toContain('QrcastTicksStuck');

      scene.redis.freeze();
      for (const role of roles) await scene.untilFires('QrcastNotReady', { instance: scene.instanceOf(role) });
      await scene.untilFires('QrcastTicksStuck', { instance: scene.instanceOf(scene.workers[0]) });
      scene.redis.thaw();
      await scene.untilOut('QrcastNotReady', 'QrcastTicksStuck');
      test.expect(await haveFired(scene.prometheus)).not.toContain('QrcastProcessDown');
    });

    it('at a worker that is stopped again and again, although it answers', async (test) => {
      const scene = await openScene(test, FAR);
      const [worker] = scene.workers;
      const isOver = new AbortController();
      const stopping = stopAgainAndAgain(worker, isOver.signal);
      await scene.untilFires('QrcastProcessStalls', { instance: scene.instanceOf(worker) });
      isOver.abort();
      await stopping;
      await scene.untilOut('QrcastProcessStalls');
      test.expect(await haveFired(scene.prometheus)).not.toContain('QrcastProcessDown');
    });

    it('at a server whose certificate nobody trusts, and at callbacks that are old', async (test) => {
      const receiver = await openTestReceiver();
      test.onTestFinished(() => receiver.close());
      const front = await openTlsFront(() => receiver.port);
      test.onTestFinished(() => front.close());
      const untrusted = `https://127.0.0.1:${front.port}`;
      const scene = await openScene(test, { ...QUICK, env: { QRCAST_CALLBACK_HOSTS: `${receiver.url},${untrusted}` } });
      await sendCallbacksTo(scene, untrusted);
      await logIn(scene, 2);
      await scene.untilFires('QrcastCallbackCertificate', { cause: 'tls' });
      await sendCallbacksTo(scene, receiver.url);
      await receiver.until(2); // the same two, soon enough
      await scene.untilOut('QrcastCallbackCertificate');
      test.expect(await haveFired(scene.prometheus)).not.toContain('QrcastCallbacksOld');

      receiver.answer(() => 503);
      await logIn(scene, 2);
      await receiver.until(4);
      await test.expect.poll(() => ageCallbacks(scene, ELEVEN_MINUTES_MS)).toBe(2);
      receiver.answer(() => 204);
      await scene.untilFires('QrcastCallbacksOld');
      await scene.untilOut('QrcastCallbacksOld');
    });
  });

  it('are all proven', () => {
    const rules = readFileSync(fileURLToPath(import.meta.resolve('@qrcast/monitoring/alerts.yaml')), 'utf8');
    const names = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
    expect([...proven].sort()).toEqual(names.sort());
  });
});

async function stopAgainAndAgain(role: StagedRole, isOver: AbortSignal): Promise<void> {
  while (!isOver.aborted) {
    role.freeze();
    await delay(STOPPED_MS);
    role.thaw();
    await delay(RUNNING_MS);
  }
}

/** Those of `names` that fire now. */
async function firingOf({ prometheus }: MonitoredStage, names: readonly string[]): Promise<readonly string[]> {
  return (await namesFiring(prometheus)).filter((name) => names.includes(name));
}
