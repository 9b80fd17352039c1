/**
 * Publishes ready-made messages of the same size, without a record, a compare-and-set or an order.
 */

import { toWire } from '@qrcast/core/wire';
import type { Releasers } from '@qrcast/runtime/releasers';
import { Redis } from 'ioredis';
import type { Mark } from '../deliveries.ts';
import { monotonicMs } from '../measure.ts';
import { pace } from '../pace.ts';
import { createPictures } from '../picture.ts';
import { serveRole } from '../role-process.ts';
import { newSession } from '../system.ts';

const PICTURES = 64;

export type BarePublisherMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  const messages: { before: string; after: string }[] = [];
  let channels: readonly string[] = [];
  let redis: Redis | null = null;
  let version = 0;

  return {
    /** Resolves to the channel of each session. */
    async start(redisUrl: string, count: number): Promise<readonly string[]> {
      const opened = new Redis(redisUrl, { enableAutoPipelining: true });
      releasers.push('redis', () => opened.disconnect());
      redis = opened;
      channels = Array.from({ length: count }, (_, index) => `bare:${index}`);
      messages.push(...createPictures(PICTURES).map(readyMessage));
      return channels;
    },

    async publish(perSecond: number, seconds: number, isFresh: boolean): Promise<readonly Mark[]> {
      const sent: Mark[] = [];
      await pace(perSecond, seconds, () => {
        const index = ++version % channels.length;
        const { before, after } = messages[version % PICTURES] ?? { before: '', after: '' };
        const message = isFresh ? `{"id":"ses_${index}","version":${version},"staleAt":0}` : `${before}${version}${after}`;
        sent.push([index, version, monotonicMs()]);
        redis?.publish(channels[index] ?? '', message).catch(() => undefined); // the message then counts as not delivered
      });
      return sent;
    },
  };
}

/** The whole message except its version, which differs in each. */
function readyMessage(picture: string): { before: string; after: string } {
  const now = Date.now();
  const session = newSession(0, 'key-0', now);
  const code = { digest: 'picture', text: null, issuedAt: now, staleAt: now };
  const image = `data:image/png;base64,${picture}`;
  const wire = toWire({ ...session, state: { kind: 'showing', code, notice: null } }, { image, viewers: 1, now });
  const [before = '', after = ''] = JSON.stringify(wire).split(/(?<="version":)1(?=,)/);
  return { before, after };
}

serveRole(createMethods);
