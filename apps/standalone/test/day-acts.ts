/** For the test of a day: its acts. Each one ends when its people have logged in. */

import type { Instance } from '@qrcast/simulator/instance';
import type { DayCalls, DayTenant } from './day-calls.ts';
import { crowd, type DayLogin, type DayPeople, isConnected, isShowing } from './day-people.ts';
import type { DayStage } from './day-stage.ts';

export interface DayScene {
  readonly stage: DayStage;
  readonly people: DayPeople;
  readonly calls: DayCalls;
  readonly tenants: readonly [DayTenant, DayTenant];
  /** Resolves once all these alerts fire. */
  untilFiring(...names: readonly string[]): Promise<void>;
  isFiring(...names: readonly string[]): Promise<boolean>;
  /** Resolves once the tenants' server was told of every login. */
  untilCalledBack(): Promise<void>;
  /** Resolves once none of these alerts fires. */
  untilOut(...names: readonly string[]): Promise<void>;
}

/** What an outage of the provider has to fire, and a full Redis. */
export const OUTAGE_ALERTS = ['QrcastCodesMissing', 'QrcastCodesSlowlyMissing', 'QrcastProviderFailing'] as const;
export const FULL_ALERTS = ['QrcastRedisNotWritable', 'QrcastNotReady', 'QrcastRoleMissing'] as const;

const AT_ONCE = 5;
const MORNING = 90;
const OF_EACH_REPLACEMENT = 15;
const WAVE = 3;
/** With more, the alerts of an outage do not fire for it. */
const MOST_IN_OUTAGE = 150;
const LOST_NOTIFICATIONS = 40;
const WHILE_FULL = 12;
const REFUSED_WHILE_FULL = 10;

/**
 * The ordinary, and those who never get to a login: nobody scans, nobody looks before there is a
 * code, a tenant has the wrong token, an instance is linked already.
 */
export async function morning({ people, tenants: [, beta] }: DayScene): Promise<void> {
  await crowd(8, AT_ONCE, async () => void (await people.begin()));
  await crowd(10, AT_ONCE, () => leave(people));
  await crowd(15, AT_ONCE, () => tryWrongToken(people, beta));
  await crowd(10, AT_ONCE, () => lookAtLinked(people));
  await crowd(MORNING, AT_ONCE, (i) => (i % 5 === 0 ? people.logInWithPassword() : people.logIn()));
}

async function leave(people: DayPeople): Promise<void> {
  const login = await people.begin({ prepare: (instance) => instance.fail('qr', 'errorNotReady', { times: 'always' }) });
  await people.until(login, ({ notice }) => notice?.code === 'provider_not_ready');
  await Promise.all(login.viewers.map((viewer) => viewer.close()));
}

async function tryWrongToken(people: DayPeople, tenant: DayTenant): Promise<void> {
  const login = await people.begin({ tenant, prepare: (instance) => instance.fail('*', 'empty401', { times: 'always' }) });
  await people.until(login, ({ end }) => end?.reason === 'credentials_rejected');
}

async function lookAtLinked(people: DayPeople): Promise<void> {
  const prepare = (instance: Instance): void => instance.setState('authorized');
  const login = await people.begin({ prepare, isNotificationLost: true }); // it would come before the session is there
  await people.until(login, isConnected);
}

/** Each process is replaced, one after the other, while people log in. */
export async function rollingRestart({ stage, people }: DayScene): Promise<void> {
  for (const role of stage.roles) {
    await Promise.all([stage.replace(role), crowd(OF_EACH_REPLACEMENT, AT_ONCE, () => people.logIn())]);
  }
}

/** The provider fails every request until all alerts of an outage fire. Whoever waits then logs in after all. */
export async function outage(scene: DayScene): Promise<void> {
  const { stage, people, untilOut, isFiring } = scene;
  await untilOut(...OUTAGE_ALERTS); // on a slow machine, a code of the morning takes longer than 10 s, too
  const fail = (instance: Instance): void => instance.fail('*', 'html502', { times: 'always' });
  const sound = stage.simulator.instances().filter(({ faults }) => faults.length === 0);
  const waiting: DayLogin[] = [];
  await crowd(WAVE, WAVE, async () => void waiting.push(await showing(people)));
  for (const instance of [...sound, ...waiting.map(({ instance: one }) => one)]) fail(instance);
  while (!(await isFiring(...OUTAGE_ALERTS)) && waiting.length < MOST_IN_OUTAGE) {
    await crowd(WAVE, WAVE, async () => {
      const login = await people.begin({ prepare: fail });
      waiting.push(login);
      await people.until(login, ({ notice }) => notice?.code === 'provider_error');
    });
  }
  await scene.untilFiring(...OUTAGE_ALERTS);
  for (const instance of [...sound, ...waiting.map(({ instance: one }) => one)]) instance.clearFaults();
  await Promise.all(waiting.map((login) => people.until(login, isShowing).then(() => people.scan(login))));
}

async function showing(people: DayPeople): Promise<DayLogin> {
  const login = await people.begin();
  await people.until(login, isShowing);
  return login;
}

/** No notification comes, so polls have to find the logins. */
export async function lostNotifications({ people }: DayScene): Promise<void> {
  await crowd(LOST_NOTIFICATIONS, AT_ONCE, () => people.logIn({ isNotificationLost: true }));
}

/** Redis takes no writes until the alerts of it fire. Codes are scanned meanwhile, and new sessions refused. */
export async function fullRedis(scene: DayScene): Promise<void> {
  const { stage, people, tenants, untilFiring, untilCalledBack } = scene;
  await untilCalledBack(); // a full Redis does not keep that a try succeeded, so it would be sent again
  const waiting: DayLogin[] = [];
  await crowd(WHILE_FULL, AT_ONCE, async () => void waiting.push(await showing(people)));
  await stage.redis.refuseWrites('OOM');
  for (const { instance } of waiting) instance.scan();
  await crowd(REFUSED_WHILE_FULL, 1, (i) => tryToCreate(stage, tenants[i % 2] ?? tenants[0]));
  await untilFiring(...FULL_ALERTS);
  await stage.redis.acceptWrites();
  await Promise.all(waiting.map((login) => people.untilConnected(login)));
}

async function tryToCreate(stage: DayStage, tenant: DayTenant): Promise<void> {
  const gateway = stage.gatewayUp();
  const refused = await tenant.create(stage.simulator.createInstance(), gateway).then(
    () => false,
    () => true, // as it should be; the calls have its code
  );
  if (!refused) throw new Error('a session was created although Redis is full');
}

/** Callers who are wrong, at each gateway. */
export async function wrongCalls({ calls, stage }: DayScene): Promise<void> {
  for (const gateway of stage.gateways.keys()) {
    for (let i = 0; i < 3; i++) await calls.call('qk_nobody_has_this_key', 'GET', '/v1/sessions', undefined, gateway);
    for (let i = 0; i < 5; i++) await calls.call('qk_nobody_has_this_key', 'GET', '/v1/nothing-is-here', undefined, gateway);
  }
}

/** The rest of the day's people. */
export async function evening({ people }: DayScene, total: number): Promise<void> {
  await crowd(Math.max(0, total - people.logins.length), AT_ONCE, () => people.logIn());
}
