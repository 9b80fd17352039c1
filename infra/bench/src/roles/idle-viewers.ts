/** Viewers of one gateway that come together, stay, and leave together. */

import type { Releasers } from '@qrcast/runtime/releasers';
import { inParallel } from '../pace.ts';
import { serveRole } from '../role-process.ts';
import { type Over, openViewerSocket, type ViewerSocket } from '../viewer-socket.ts';

const HANDSHAKES_AT_ONCE = 50;

export type IdleViewersMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  const viewers = new Set<ViewerSocket>();
  const leave = (): void => {
    for (const viewer of viewers) viewer.close();
    viewers.clear();
  };
  releasers.push('viewers', leave);
  return {
    /** Resolves once all have joined. Viewer i uses ticket i mod their number. */
    async connect(url: string, tickets: readonly string[], count: number, over: Over): Promise<void> {
      await inParallel(count, HANDSHAKES_AT_ONCE, async (index) => {
        const ticket = tickets[index % tickets.length] ?? '';
        viewers.add(await openViewerSocket({ url, over, auth: { ticket }, onState: () => undefined }));
      });
    },
    leave,
  };
}

serveRole(createMethods);
