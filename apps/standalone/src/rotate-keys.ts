/**
 * `qrcast rotate-keys`: seals everything with the first key, and says whether the other keys can be
 * dropped.
 */

import { createKeyRotation, type SealedCounts } from '@qrcast/runtime/keyring/key-rotation';
import { createKeyring } from '@qrcast/runtime/keyring/keyring';
import type { Logger } from '@qrcast/runtime/log';
import type { readSettings } from '@qrcast/runtime/process/settings';
import { redisUrlOf } from '@qrcast/runtime/process/settings-options';
import { connectCommands, disconnectRedis } from '@qrcast/runtime/redis/redis';
import { checkRedis } from '@qrcast/runtime/redis/start-check';
import type { Releasers } from '@qrcast/runtime/releasers';
import { EXITS } from './login/ending.ts';

export const ROTATE_SETTINGS = [
  'REDIS_URL',
  'QRCAST_REDIS_CA',
  'QRCAST_REDIS_CERT',
  'QRCAST_REDIS_KEY',
  'QRCAST_NAMESPACE',
  'QRCAST_SECRET_KEYS',
] as const;
export const ROTATE_REQUIRED = ['REDIS_URL', 'QRCAST_SECRET_KEYS'] as const;

type RotateSettings = ReturnType<typeof readSettings<(typeof ROTATE_SETTINGS)[number], (typeof ROTATE_REQUIRED)[number]>>;

export interface RotateDeps {
  readonly settings: RotateSettings;
  readonly write: (text: string) => void;
  readonly log: Logger;
  readonly releasers: Releasers;
}

/**
 * Resolves to the status to exit with. It is `keysLeft` as long as another key than the first is
 * needed.
 */
export async function runRotateKeys({ settings, write, log, releasers }: RotateDeps, isCheck: boolean): Promise<number> {
  const redisUrl = redisUrlOf(settings.REDIS_URL, settings);
  await checkRedis({ redisUrl, namespace: settings.QRCAST_NAMESPACE, log });
  const redis = connectCommands(redisUrl, log);
  releasers.push('redis', () => disconnectRedis(redis));
  const keyring = createKeyring(settings.QRCAST_SECRET_KEYS);
  const rotation = createKeyRotation({ redis, namespace: settings.QRCAST_NAMESPACE, keyring });
  const [current = '', ...others] = keyring.keyIds;
  const restarted = `the last process was restarted with "${current}" first`;
  const onceMore = `seals nothing now: run \`qrcast rotate-keys\` again when ${restarted}. If it moves nothing then, it says when to drop the key`;
  if (isCheck) return tell(write, current, others, await rotation.count(), { needed: 'run `qrcast rotate-keys`', needless: onceMore });
  const { moved, ...counts } = await rotation.rotate();
  write(`${secrets(moved)} moved to "${current}"\n`);
  const drop = `can be dropped 24 hours after ${restarted}: by then its tickets have expired`;
  return tell(write, current, others, counts, {
    needed: 'a process seals with it still. Restart each with the new key first, and run this again',
    needless: moved > 0 ? onceMore : drop,
  });
}

/** @returns what to do about a key other than the first */
interface Remedies {
  readonly needed: string;
  readonly needless: string;
}

function tell(write: (text: string) => void, current: string, others: readonly string[], counts: SealedCounts, remedies: Remedies): number {
  for (const [id, count] of counts.byKey) write(`${secrets(count)} sealed under "${id}"\n`);
  if (counts.unreadable > 0) {
    write(`${secrets(counts.unreadable)} of them cannot be read: add the key that sealed them, or wait until their sessions expire\n`);
  }
  for (const id of counts.unreadableTenants) {
    write(`the record of the tenant "${id}" cannot be read, so no key is released: mend or delete it in Redis, and run this again\n`);
  }
  const isKnown = counts.unreadableTenants.length === 0;
  const needed = [...counts.byKey].filter(([id, count]) => id !== current && count > 0).map(([id]) => id);
  for (const id of needed) write(`"${id}" is needed: ${remedies.needed}\n`);
  const needless = isKnown ? others.filter((one) => !needed.includes(one)) : [];
  for (const id of needless) write(`"${id}" ${remedies.needless}\n`);
  return needed.length === 0 && counts.unreadable === 0 && isKnown ? EXITS.connected.code : EXITS.keysLeft.code;
}

const secrets = (count: number): string => `${count} ${count === 1 ? 'secret' : 'secrets'}`;
