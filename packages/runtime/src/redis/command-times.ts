/** Measures how long Redis takes to answer commands, from when they are sent. */

import type { Command } from 'ioredis';
import type { Meters } from '../metrics/meters.ts';
import { scriptNameOf } from './lua-script.ts';
import type { RedisClient } from './redis-client.ts';

/** A script that is not ours. */
const OTHER_SCRIPT = 'bullmq';

interface Timed {
  /** Set once: after a reconnect a command may be sent again. */
  sentAt?: number;
}

export function timeCommands(redis: RedisClient, meters: Meters): void {
  const send = redis.sendCommand.bind(redis) as (command: Command, ...rest: unknown[]) => unknown;
  redis.sendCommand = ((command: Command & Timed, ...rest: unknown[]) => {
    if (command.sentAt === undefined) {
      const sentAt = performance.now();
      command.sentAt = sentAt;
      const answered = (): void =>
        meters.histogram('qrcast_redis_command_seconds', { command: nameOf(command) }).observe((performance.now() - sentAt) / 1_000);
      command.promise.then(answered, answered);
    }
    return send(command, ...rest);
  }) as typeof redis.sendCommand;
}

function nameOf({ name, args }: Command): string {
  if (name === 'evalsha') return scriptNameOf(String(args[0])) ?? OTHER_SCRIPT;
  return name.toLowerCase();
}
