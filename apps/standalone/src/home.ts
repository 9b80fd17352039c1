/**
 * What `start` keeps between runs, in `.qrcast/` (mode 0700): its own keys, made once (mode 0600), the private Redis's data, and a lock,
 * for two runs must not write one append-only file.
 */

import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

export interface Home {
  readonly redisFolder: string;
  /** `id:base64`, as QRCAST_SECRET_KEYS. */
  readonly secretKeys: string;
  readonly apiKey: string;
  readonly webhookToken: string;
  /** Frees the lock. */
  close(): void;
}

const keysSchema = z.object({ secretKeys: z.string(), apiKey: z.string(), webhookToken: z.string() });

/** @throws {Error} if another run holds the folder. */
export function openHome(folder: string): Home {
  const redisFolder = join(folder, 'redis');
  mkdirSync(redisFolder, { recursive: true, mode: 0o700 });
  const lock = join(folder, 'lock');
  takeLock(lock, folder);
  return { redisFolder, ...keysIn(join(folder, 'keys.json')), close: () => rmSync(lock, { force: true }) };
}

function takeLock(lock: string, folder: string): void {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx', mode: 0o600 });
    return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const holder = Number(readFileSync(lock, 'utf8'));
  if (isRunning(holder)) {
    throw new Error(`another qrcast (process ${holder}) uses ${folder}; stop it, or start this one in another folder`);
  }
  writeFileSync(lock, String(process.pid), { mode: 0o600 }); // its holder was killed
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function keysIn(file: string): z.infer<typeof keysSchema> {
  const made = {
    secretKeys: `start:${randomBytes(32).toString('base64')}`,
    apiKey: `qk_${randomBytes(32).toString('base64url')}`,
    webhookToken: `wt_${randomBytes(32).toString('base64url')}`,
  };
  try {
    writeFileSync(file, JSON.stringify(made), { flag: 'wx', mode: 0o600 });
    return made;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const kept = keysSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (!kept.success) throw new Error(`${file} is not readable as keys; move it away to have new ones made`);
  return kept.data;
}
