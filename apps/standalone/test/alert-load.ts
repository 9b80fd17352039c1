/** For the test of the alerts: people who log in, or cannot, and the age of a callback. */

import type { WireSession } from '@qrcast/core/wire';
import type { StagedSession } from './fault-stage.ts';
import type { MonitoredStage } from './monitored-stage.ts';
import { type RecordingClient, TRANSPORTS } from './recording-client.ts';

/**
 * At once. An attempt counts before its code does, so many new ones would look as if codes were
 * missing: the windows are shortened, and the time to a code is not.
 */
const AT_ONCE = 2;
const isShowing = ({ state }: WireSession): boolean => state === 'showing';

/** @param count logins, one after the other */
export async function logIn(stage: MonitoredStage, count: number): Promise<void> {
  for (let done = 0; done < count; done += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, () => logInOne(stage)));
  }
}

async function logInOne(stage: MonitoredStage): Promise<void> {
  const { instance, ticket } = await stage.create();
  const viewer = stage.watch(ticket, 'websocket');
  await viewer.until(isShowing);
  instance.scan();
  await viewer.until(({ state }) => state === 'connected');
}

/** Sessions of instances whose codes fail at the provider. Resolves once their viewers were told. */
export async function failLogins(stage: MonitoredStage, count: number): Promise<readonly StagedSession[]> {
  const made = await Promise.all(Array.from({ length: count }, () => stage.create()));
  for (const { instance } of made) instance.fail('qr', 'html502', { times: 'always' });
  const viewers = made.map(({ ticket }) => stage.watch(ticket, 'websocket'));
  await Promise.all(viewers.map((viewer) => viewer.until(({ notice }) => notice?.code === 'provider_error')));
  return made;
}

/** Ends the sessions, and their instances' faults. */
export async function endLogins(stage: MonitoredStage, sessions: readonly StagedSession[]): Promise<void> {
  for (const { instance, session } of sessions) {
    instance.clearFaults();
    await stage.call('DELETE', `/v1/sessions/${session.id}`);
  }
}

/** Sessions that show codes to a viewer over each transport. */
export async function watchMany(stage: MonitoredStage, count: number): Promise<readonly RecordingClient[]> {
  const made = await Promise.all(Array.from({ length: count }, () => stage.create()));
  const viewers = made.flatMap(({ ticket }) => TRANSPORTS.map((transport) => stage.watch(ticket, transport)));
  await Promise.all(viewers.map((viewer) => viewer.until(isShowing)));
  return viewers;
}

/** The time of the callbacks that wait passes, as far as their age tells. @returns how many wait */
export async function ageCallbacks({ redis: { admin } }: MonitoredStage, byMs: number): Promise<number> {
  const waiting: string[] = [];
  for (const key of await admin.keys('*:callback:evt_*')) if ((await admin.hget(key, 'state')) === 'pending') waiting.push(key);
  for (const key of waiting) {
    const callback = JSON.parse((await admin.hget(key, 'callback')) ?? '{}') as { createdAt: number }; // callback-log.ts writes it
    await admin.hset(key, 'callback', JSON.stringify({ ...callback, createdAt: callback.createdAt - byMs }));
  }
  return waiting.length;
}
