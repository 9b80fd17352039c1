/**
 * Set-up of vitest: on one server, too, a command fails if a cluster would refuse it because its
 * keys have several slots. So does each call of a script.
 */

import { Redis } from 'ioredis';
import { slotOf } from '../src/redis/cluster-client.ts';

const send = Redis.prototype.sendCommand;
Redis.prototype.sendCommand = function (command, ...rest) {
  const keys = command.getKeys().map(String);
  if (keys.length > 1 && new Set(keys.map(slotOf)).size > 1) {
    command.reject(new Error(`CROSSSLOT: ${command.name} got keys of several slots: ${keys.join(' ')}`));
    return command.promise;
  }
  return send.call(this, command, ...rest);
};
