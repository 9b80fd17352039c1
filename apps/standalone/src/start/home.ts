/**
 * The folder `.qrcast/` (mode 0700), where `start` keeps data between runs: its own keys, made once
 * (mode 0600), the private Redis's data, and a lock. Two runs must not write one append-only file.
 */

import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withoutMark } from '@qrcast/core/utf8';
import { z } from 'zod';

export interface Home {
  readonly redisFolder: string;
  /** `id:base64`, as in QRCAST_SECRET_KEYS. */
  readonly secretKeys: string;
  readonly apiKey: string;
  readonly webhookToken: string;
  /** Paths that other users of this machine could read until now. They may know the keys. */
  readonly wereOpen: readonly string[];
  /** Releases the lock. */
  close(): void;
}

const keysSchema = z.object({ secretKeys: z.string(), apiKey: z.string(), webhookToken: z.string() });

/**
 * @throws {Error} if another run holds the folder, or others can access it and that cannot be
 * changed
 */
export function openHome(folder: string): Home {
  const redisFolder = join(folder, 'redis');
  mkdirSync(redisFolder, { recursive: true, mode: 0o700 });
  const wereOpen = [folder, redisFolder].filter((one) => closeToOthers(one, 0o700));
  const lock = join(folder, 'lock');
  takeLock(lock, folder);
  const close = (): void => rmSync(lock, { force: true });
  try {
    const file = join(folder, 'keys.json');
    const { isNew, ...keys } = keysIn(file);
    if (closeToOthers(file, 0o600)) wereOpen.push(file);
    // Without the keys, nobody can read what was sealed with them.
    if (isNew) emptyFolder(redisFolder);
    return { redisFolder, ...keys, wereOpen, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** @returns true if others could read or write it until now */
function closeToOthers(path: string, mode: number): boolean {
  if (process.platform === 'win32') return false; // Windows has no such modes: the folders of a profile belong to its user alone
  const { uid, mode: found } = statSync(path);
  if (uid !== process.getuid?.()) throw new Error(`${path} belongs to another user; start as that user, or in another folder`);
  if ((found & 0o077) === 0) return false;
  try {
    chmodSync(path, mode);
  } catch (cause) {
    throw new Error(
      `${path} can be read by others on this machine, and its mode cannot be changed; chmod go= it, or start in another folder`,
      {
        cause,
      },
    );
  }
  return true;
}

function takeLock(lock: string, folder: string): void {
  if (writeNew(lock, String(process.pid))) return;
  const holder = Number(readFileSync(lock, 'utf8'));
  const inUse = `another qrcast (process ${holder}) uses ${folder}; stop it or start this one in another folder. If it is none, remove ${lock}`;
  if (isRunning(holder)) throw new Error(inUse);
  rmSync(lock, { force: true }); // the process that held it was killed
  if (!writeNew(lock, String(process.pid))) throw new Error(inUse); // another process took it first
}

/** @returns false if the file exists already */
function writeNew(file: string, text: string): boolean {
  try {
    writeFileSync(file, text, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
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

function emptyFolder(folder: string): void {
  rmSync(folder, { recursive: true });
  mkdirSync(folder, { mode: 0o700 });
}

function keysIn(file: string): z.infer<typeof keysSchema> & { readonly isNew: boolean } {
  const made = {
    secretKeys: `start:${randomBytes(32).toString('base64')}`,
    apiKey: `qk_${randomBytes(32).toString('base64url')}`,
    webhookToken: `wt_${randomBytes(32).toString('base64url')}`,
  };
  if (writeNew(file, JSON.stringify(made))) return { ...made, isNew: true };
  try {
    return { ...keysSchema.parse(JSON.parse(withoutMark(readFileSync(file, 'utf8')))), isNew: false };
  } catch {
    throw new Error(`${file} does not hold keys; move it away to get new ones`); // the parser's message could repeat the keys
  }
}
