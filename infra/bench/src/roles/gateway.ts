/** The gateway as it is deployed. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGateway } from '@qrcast/gateway/gateway';
import type { Releasers } from '@qrcast/runtime/releasers';
import { serveRole } from '../role-process.ts';
import { nodeOptions, type System, secretKeys } from '../system.ts';

const MAX_CONNECTIONS = 20_000;
const UNWATCHED_GRACE_MS = 15_000;

export type GatewayMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  return {
    async start(system: System): Promise<{ url: string }> {
      const pageFolder = await openEmptyPage(releasers);
      const gateway = await startGateway({
        ...nodeOptions(system, 'gateway'),
        secretKeys: secretKeys(system),
        unwatchedGraceMs: UNWATCHED_GRACE_MS,
        upstreamHosts: [],
        adminKey: undefined,
        maxConnections: MAX_CONNECTIONS,
        port: 0,
        host: '127.0.0.1',
        publicUrl: undefined,
        pageFolder,
      });
      releasers.push('gateway', () => gateway.close(0));
      return { url: `ws://127.0.0.1:${gateway.port}` };
    },
  };
}

/** Nobody opens the login page here, so it need not be built. */
async function openEmptyPage(releasers: Releasers): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-bench-page-'));
  releasers.push('page', () => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'connect.html'), '');
  return folder;
}

serveRole(createMethods);
