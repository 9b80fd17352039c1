/** Lua scripts as functions. A script's file name ends in its number of keys: `shard-claim-4.lua`. */

import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';

export type LuaScript = (keys: readonly string[], args: readonly (string | number)[]) => Promise<unknown>;

/** Loads `./<name>.lua` for this connection; it is sent once and called by its hash. Throws if there is no such file. */
export function loadLuaScript(redis: Redis, name: string): LuaScript {
  const numberOfKeys = Number(name.slice(name.lastIndexOf('-') + 1));
  const lua = readFileSync(new URL(`./${name}.lua`, import.meta.url), 'utf8');
  const command = `lua:${name}`;
  redis.defineCommand(command, { numberOfKeys, lua });
  return (keys, args) => {
    // defineCommand adds a method that ioredis cannot type.
    const run = (redis as unknown as Record<string, (...parts: (string | number)[]) => Promise<unknown>>)[command];
    if (run === undefined) throw new Error(`Lua script ${name} was not defined on this connection`);
    return run.call(redis, ...keys, ...args);
  };
}
