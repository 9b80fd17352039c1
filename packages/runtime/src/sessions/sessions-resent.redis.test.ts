/** A write whose reply was lost is sent again, after another process has written. */

import type { Outcome } from '@qrcast/core/outcome';
import type { SessionEvent } from '@qrcast/core/reduce';
import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import type { Session } from '@qrcast/core/session';
import { afterEach, expect, inject, it } from 'vitest';
import { openHeldRuntime, openHoldingProxy } from '../../test/holding-proxy.ts';
import { openTestRuntime, sampleSession } from '../../test/runtime.ts';
import { openRedisSessions } from './sessions-redis.ts';

const T = Date.now();

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** `here` is connected through the proxy, `there` directly. */
async function openScene() {
  const direct = openTestRuntime(inject('serverUrl'));
  const proxy = await openHoldingProxy(Number(new URL(direct.redisUrl).port));
  const proxied = await openHeldRuntime(proxy, direct.redisUrl, direct.namespace);
  const here = openRedisSessions({ ...proxied, policy: DEFAULT_POLICY });
  const there = openRedisSessions({ ...direct, policy: DEFAULT_POLICY });
  open.push(proxy, direct, proxied, there, here);
  const { id } = sampleSession({}, T);
  await here.create(sampleSession({ id }, T), '');
  await here.apply(id, { kind: 'watched', at: T });

  /** Redis runs the write of `event`, `between` is written, and only then the lost reply is noticed. */
  async function applyTwice(event: SessionEvent, between: SessionEvent): Promise<Session | null> {
    const before = await there.find(id);
    if (before === null) return expect.unreachable('it was just made');
    proxy.hold(true);
    const applied = here.apply(id, event, { remembered: before }); // a read would be held
    while ((await there.find(id))?.version === before.version);
    await there.apply(id, between);
    proxy.hold(false);
    proxy.cut();
    return applied;
  }
  return { applyTwice };
}

const answered = (outcome: Outcome): SessionEvent => ({ kind: 'answered', at: T + 200, startedAt: T + 100, jitter: 0, outcome });

it.each([
  ['a refusal', answered({ kind: 'refused', reason: 'instance_deleted' }), { refusals: 1 }],
  ['a fault', answered({ kind: 'trouble', code: 'provider_error' }), { failures: 1 }],
  ['a start-over', { kind: 'startedOver', at: T + 200, startedAt: T + 100 }, { startOvers: 1 }],
] as const)('%s counts once', async (_what, event, once) => {
  const { applyTwice } = await openScene();
  const after = await applyTwice(event, { kind: 'postponed', at: T + 300, retryAt: T + 9_000 });
  // Had the event been applied again on top of this, the version would be higher.
  expect(after).toMatchObject({ ...once, version: 300, state: { kind: 'waiting', notice: { code: 'rate_limited' } } });
});
