/**
 * Lua scripts as functions. The file name of a script ends in its number of keys:
 * `shard-claim-5.lua`.
 *
 * Not by `defineCommand` of ioredis: it adds two methods for each script to the connection, and all
 * of them are copied for every batch of commands.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorWord } from './error-words.ts';
import type { RedisClient } from './redis-client.ts';

const names = new Map<string, string>();

/** Of a script that this process has loaded, by its hash. */
export const scriptNameOf = (hash: string): string | undefined => names.get(hash);

export type LuaScript = (keys: readonly string[], args: readonly (string | number)[]) => Promise<unknown>;

/**
 * Calls name the script by its hash. Its text is sent to a Redis that does not know it.
 *
 * @param file beside its caller: `new URL('../polling/shard-claim-5.lua', import.meta.url)`
 * @throws if there is no such file
 */
export function loadLuaScript(redis: RedisClient, file: URL): LuaScript {
  const path = fileURLToPath(file);
  const name = basename(path, '.lua');
  const numberOfKeys = Number(name.slice(name.lastIndexOf('-') + 1));
  const text = readFileSync(path, 'utf8');
  const hash = createHash('sha1').update(text).digest('hex');
  names.set(hash, name);
  return async (keys, args) => {
    if (keys.length !== numberOfKeys) throw new Error(`Lua script ${name} got ${keys.length} keys`); // the rest would be read as arguments
    try {
      return await redis.evalsha(hash, numberOfKeys, ...keys, ...args);
    } catch (error) {
      if (errorWord(error) !== 'NOSCRIPT') throw error;
      return redis.eval(text, numberOfKeys, ...keys, ...args);
    }
  };
}
