/** Publishes the ready-made messages of bare-publisher.ts as nchan's clients do, by POST to nginx. */

import type { Releasers } from '@qrcast/runtime/releasers';
import { Pool } from 'undici';
import { NCHAN_PUBLISH_PATH } from '../nchan-program.ts';
import { cannotPublish, createPublish, createReadyMessages, type Publish } from '../ready-message.ts';
import { serveRole } from '../role-process.ts';

const CONNECTIONS = 64;
const KEEP_ALIVE_MS = 60_000;

export type NchanPublisherMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  let publish = cannotPublish;
  return {
    /** Resolves to the channel of each session. @param host of nginx */
    async start(host: string, count: number): Promise<readonly string[]> {
      const pool = new Pool(`http://${host}`, { allowH2: false, pipelining: 1, connections: CONNECTIONS, keepAliveTimeout: KEEP_ALIVE_MS });
      releasers.push('pool', () => pool.destroy());
      const channels = Array.from({ length: count }, (_, index) => `session-${index}`);
      const messages = createReadyMessages();
      publish = createPublish(count, (index, version, isFresh) => {
        // As qrcast sends them over its WebSockets, because nchan passes on what it gets.
        const body = isFresh
          ? JSON.stringify({ type: 'fresh', ...messages.fresh(version) })
          : `{"type":"session","session":${messages.stateText(version)}}`;
        void post(pool, `${NCHAN_PUBLISH_PATH}${channels[index]}`, body);
      });
      return channels;
    },
    publish: (...load: Parameters<Publish>): ReturnType<Publish> => publish(...load),
  };
}

async function post(pool: Pool, path: string, body: string): Promise<void> {
  try {
    const answer = await pool.request({ method: 'POST', path, body });
    await answer.body.dump();
  } catch {
    // the message then counts as not delivered
  }
}

serveRole(createMethods);
