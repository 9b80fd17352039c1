/**
 * Lua scripts as functions. The file name of a script ends in its number of keys:
 * `shard-claim-5.lua`.
 */

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RedisClient } from './redis-client.ts';

export type LuaScript = (keys: readonly string[], args: readonly (string | number)[]) => Promise<unknown>;

/**
 * Loads a script for this connection. It is sent to Redis once; calls name it by its hash.
 *
 * @param file beside its caller: `new URL('../polling/shard-claim-5.lua', import.meta.url)`
 * @throws if there is no such file
 */
export function loadLuaScript(redis: RedisClient, file: URL): LuaScript {
  const path = fileURLToPath(file);
  const name = basename(path, '.lua');
  const numberOfKeys = Number(name.slice(name.lastIndexOf('-') + 1));
  const command = `lua:${name}`;
  redis.defineCommand(command, { numberOfKeys, lua: readFileSync(path, 'utf8') });
  return (keys, args) => {
    if (keys.length !== numberOfKeys) throw new Error(`Lua script ${name} got ${keys.length} keys`); // the rest would be read as arguments
    // defineCommand adds a method that ioredis cannot type.
    const run = (redis as unknown as Record<string, (...parts: (string | number)[]) => Promise<unknown>>)[command];
    if (run === undefined) throw new Error(`Lua script ${name} was not defined on this connection`);
    return run.call(redis, ...keys, ...args);
  };
}
