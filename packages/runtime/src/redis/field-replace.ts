/** Compares and sets one field of a hash in Redis. */

import { loadLuaScript } from './lua-script.ts';
import type { RedisClient } from './redis-client.ts';

/** Resolves to false, and changes nothing, if the field does not hold `expected`. */
export type FieldReplace = (key: string, field: string, expected: string, next: string) => Promise<boolean>;

export function loadFieldReplace(redis: RedisClient): FieldReplace {
  const script = loadLuaScript(redis, new URL('./field-replace-1.lua', import.meta.url));
  return async (key, field, expected, next) => (await script([key], [field, expected, next])) === 1;
}
