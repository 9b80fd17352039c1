/**
 * Publishes ready-made messages of the same size, without a record, a compare-and-set or an order.
 */

import type { Releasers } from '@qrcast/runtime/releasers';
import { Redis } from 'ioredis';
import { cannotPublish, createPublish, createReadyMessages, type Publish } from '../ready-message.ts';
import { serveRole } from '../role-process.ts';

export type BarePublisherMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  let publish = cannotPublish;
  return {
    /** Resolves to the channel of each session. */
    async start(redisUrl: string, count: number): Promise<readonly string[]> {
      const redis = new Redis(redisUrl, { enableAutoPipelining: true });
      releasers.push('redis', () => redis.disconnect());
      const channels = Array.from({ length: count }, (_, index) => `bare:${index}`);
      const messages = createReadyMessages();
      publish = createPublish(count, (index, version, isFresh) => {
        const message = isFresh ? JSON.stringify(messages.fresh(version)) : messages.stateText(version);
        redis.publish(channels[index] ?? '', message).catch(() => undefined); // the message then counts as not delivered
      });
      return channels;
    },
    publish: (...load: Parameters<Publish>): ReturnType<Publish> => publish(...load),
  };
}

serveRole(createMethods);
