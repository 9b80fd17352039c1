/**
 * The same libraries without any guarantees: GET, parse, SET and PUBLISH, in bursts like those of
 * the worker's ticks.
 */

import type { Releasers } from '@qrcast/runtime/releasers';
import { Redis } from 'ioredis';
import { Agent, request } from 'undici';
import { pace } from '../pace.ts';
import { serveRole } from '../role-process.ts';

/** As many as the ticks of the worker's shards. */
const BURSTS_PER_SECOND = 64;
const KEEP_ALIVE_MS = 60_000;

export type BarePollerMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  let paths: readonly string[] = [];
  let next = 0;
  let poll: (path: string) => Promise<boolean> = () => Promise.resolve(false);

  return {
    async start(redisUrl: string, origin: string, asked: readonly string[]): Promise<void> {
      paths = asked;
      const redis = new Redis(redisUrl, { enableAutoPipelining: true });
      releasers.push('redis', () => redis.disconnect());
      const dispatcher = new Agent({ allowH2: false, pipelining: 1, keepAliveTimeout: KEEP_ALIVE_MS });
      releasers.push('agent', () => dispatcher.destroy());
      poll = async (path) => {
        const { body } = await request(`${origin}${path}`, { dispatcher });
        const answer = await body.text();
        if ((JSON.parse(answer) as { type?: string }).type !== 'qrCode') return false;
        await redis.pipeline().set(path, answer).publish(path, answer).exec();
        return true;
      };
    },

    /** Asks for one instance after the other. Resolves to the number of stored answers. */
    async run(perSecond: number, seconds: number): Promise<number> {
      const polls: Promise<boolean>[] = [];
      let owed = 0;
      await pace(BURSTS_PER_SECOND, seconds, () => {
        for (owed += perSecond / BURSTS_PER_SECOND; owed >= 1; owed--) {
          polls.push(poll(paths[next++ % paths.length] ?? '').catch(() => false)); // a failed request stored nothing
        }
      });
      return (await Promise.all(polls)).filter((isStored) => isStored).length;
    },
  };
}

serveRole(createMethods);
