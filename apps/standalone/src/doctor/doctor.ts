/**
 * `qrcast doctor`: looks at all that an installation needs, and says what is to be mended. The
 * looks run side by side, each with a time limit, and none of them hides the others.
 */

import { createKeyring } from '@qrcast/runtime/keyring/keyring';
import type { Environment } from '@qrcast/runtime/process/environment';
import { proxyRoute } from '@qrcast/runtime/process/proxy-settings';
import { readSettings, SettingsError } from '@qrcast/runtime/process/settings';
import { redisUrlOf } from '@qrcast/runtime/process/settings-options';
import type { Releasers } from '@qrcast/runtime/releasers';
import { EXITS } from '../login/ending.ts';
import { reachGateways } from '../reach-gateways.ts';
import { jsonLine, printable } from '../terminal-text.ts';
import { countLevels, type Finding, startFault, textOf, unknown } from './finding.ts';
import { judgeProvider, judgePublic, PROVIDER, PUBLIC } from './judge-addresses.ts';
import { judgeKeys, judgeStored, keysWithout } from './judge-keys.ts';
import { isSentinel, judgeServer, REACHABLE } from './judge-server.ts';
import { judgeSettings } from './judge-settings.ts';
import { judgeStorage } from './judge-storage.ts';
import { lookAtProvider, lookAtPublicAddress } from './look-at-addresses.ts';
import { lookAtKeys, lookAtRedis } from './look-at-redis.ts';

export interface DoctorDeps {
  readonly env: Environment;
  /** Like `24.21.0`. */
  readonly nodeVersion: string;
  readonly write: (text: string) => void;
  readonly releasers: Releasers;
  readonly signal: AbortSignal;
}

/**
 * Resolves to the status to exit with: `toMend` if there is a fault. Warnings alone do not change
 * it, because an installation works with them.
 */
export async function runDoctor(deps: DoctorDeps, json: boolean): Promise<number> {
  const { env, nodeVersion, write, signal } = deps;
  const looks = Promise.all([judgeSettings(env, nodeVersion), findInRedis(deps), findAtProvider(deps), findAtPublicAddress(deps)]);
  const findings = (await Promise.race([looks, abortOf(signal)])).flat();
  const { fault: faults, warning: warnings, unknown: unknowns } = countLevels(findings);
  write(json ? jsonLine('doctor', { faults, warnings, unknowns, findings }) : `${printable(textOf(findings))}\n`);
  return faults === 0 ? EXITS.connected.code : EXITS.toMend.code;
}

/** The looks go on until the process exits, which is at once. */
function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

const BAD_SETTINGS = 'its settings cannot be read';

async function findInRedis({ env, releasers }: DoctorDeps): Promise<Finding[]> {
  const settings = orNull(() =>
    readSettings(env, ['REDIS_URL', 'QRCAST_REDIS_CA', 'QRCAST_REDIS_CERT', 'QRCAST_REDIS_KEY', 'QRCAST_NAMESPACE'], ['REDIS_URL']),
  );
  if (settings === null) return [unknown(REACHABLE, `not looked at: ${BAD_SETTINGS}`, TO_CORRECT), keysWithout(BAD_SETTINGS)];
  const deps = { redisUrl: redisUrlOf(settings.REDIS_URL, settings), namespace: settings.QRCAST_NAMESPACE, releasers };
  const look = await lookAtRedis(deps);
  if (look.kind === 'unreached') {
    return [
      ...look.faults.map((text) => startFault(REACHABLE, text, 'start Redis, or correct REDIS_URL')),
      keysWithout('Redis does not answer'),
    ];
  }
  const { facts } = look;
  if (isSentinel(facts)) return [...judgeServer(facts), keysWithout('this is no Redis')];
  const keys = orNull(() => readSettings(env, ['QRCAST_SECRET_KEYS'], ['QRCAST_SECRET_KEYS']));
  if (keys === null) return [...judgeServer(facts), ...judgeStorage(facts), keysWithout(BAD_SETTINGS)];
  const read = await lookAtKeys({ ...deps, keyring: createKeyring(keys.QRCAST_SECRET_KEYS) });
  return [...judgeServer(facts), ...judgeStorage(facts), judgeKeys(read.keys), judgeStored(read.stored)];
}

const TO_CORRECT = 'correct the settings first, and run this again';

async function findAtProvider({ env }: DoctorDeps): Promise<Finding[]> {
  const settings = orNull(() => readSettings(env, ['QRCAST_UPSTREAM_HOSTS', 'HTTPS_PROXY', 'NO_PROXY']));
  if (settings === null) return [unknown(PROVIDER, `not looked at: ${BAD_SETTINGS}`, TO_CORRECT)];
  const route = proxyRoute(settings.HTTPS_PROXY, settings.NO_PROXY);
  return (await lookAtProvider(settings.QRCAST_UPSTREAM_HOSTS, route)).map(judgeProvider);
}

async function findAtPublicAddress({ env, signal }: DoctorDeps): Promise<Finding[]> {
  const settings = orNull(() => {
    const read = readSettings(env, ['QRCAST_PUBLIC_URL', 'HTTPS_PROXY', 'NO_PROXY']);
    reachGateways(env, true);
    return read;
  });
  if (settings === null) return [unknown(PUBLIC, `not looked at: ${BAD_SETTINGS}`, TO_CORRECT)];
  const url = settings.QRCAST_PUBLIC_URL;
  return url === undefined ? [] : [judgePublic(url, await lookAtPublicAddress(url, signal))];
}

/** The faults of settings are findings of their own (judge-settings.ts). */
function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof SettingsError) return null;
    throw error;
  }
}
