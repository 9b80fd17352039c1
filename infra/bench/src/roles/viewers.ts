/** All viewers of one gateway. */

import type { Releasers } from '@qrcast/runtime/releasers';
import type { Mark } from '../deliveries.ts';
import { monotonicMs } from '../measure.ts';
import { inParallel } from '../pace.ts';
import { serveRole } from '../role-process.ts';
import { openViewerSocket, type ViewerProtocol } from '../viewer-socket.ts';

const HANDSHAKES_AT_ONCE = 50;

export type ViewersMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  let received: Mark[] = [];
  return {
    /** Resolves once every viewer has joined. Viewer i uses ticket i. */
    async connect(url: string, tickets: readonly string[], over: ViewerProtocol = 'Socket.IO'): Promise<void> {
      await inParallel(tickets.length, HANDSHAKES_AT_ONCE, async (index) => {
        const onState = (_event: string, version: number): void => {
          received.push([index, version, monotonicMs()]);
        };
        const viewer = await openViewerSocket({ url, over, auth: { ticket: tickets[index] ?? '' }, onState });
        releasers.push(`viewer ${index}`, () => viewer.close());
      });
    },
    received: (): number => received.length,
    /** What arrived since the last call. */
    take(): readonly Mark[] {
      const all = received;
      received = [];
      return all;
    },
  };
}

serveRole(createMethods);
