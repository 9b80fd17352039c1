/**
 * The gateway as it is deployed, for callers of its API. It has a tenant with a key, and can serve
 * the built login page.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MAX_LIMIT, type TenantLimits } from '@qrcast/core/tenant-limits';
import { PAGE_FOLDER } from '@qrcast/gateway/api/page-folder';
import { startGateway } from '@qrcast/gateway/gateway';
import type { Releasers } from '@qrcast/runtime/releasers';
import { AUDIT_LIMITS, sampleProcess } from '../process-sample.ts';
import { serveRole } from '../role-process.ts';
import { nodeOptions, type System, secretKeys, TENANT } from '../system.ts';

const MAX_CONNECTIONS = 20_000;
const UNWATCHED_GRACE_MS = 15_000;
/** One tenant and one address represent all. */
const NO_LIMITS: TenantLimits = {
  sessions: MAX_LIMIT,
  viewers: MAX_LIMIT,
  viewersPerSession: MAX_LIMIT,
  requestsPerMinute: MAX_LIMIT,
  handshakesPerMinute: MAX_LIMIT,
  webhookCallsPerMinute: MAX_LIMIT,
};
const STUB_FOLDER = fileURLToPath(new URL('../../page', import.meta.url));

export type ApiGatewayMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  return {
    /** @param upstream the provider's origin, which sessions may name */
    async start(system: System, upstream: string, page: 'built' | 'stub'): Promise<{ url: string; apiKey: string }> {
      if (page === 'built' && !existsSync(join(PAGE_FOLDER, 'connect.html')))
        throw new Error('the login page is not built; run `pnpm build` first');
      const gateway = await startGateway({
        ...nodeOptions(system, 'gateway'),
        secretKeys: secretKeys(system),
        auditLimits: AUDIT_LIMITS,
        unwatchedGraceMs: UNWATCHED_GRACE_MS,
        upstreamHosts: [upstream],
        adminKey: undefined,
        maxConnections: MAX_CONNECTIONS,
        tenantLimits: NO_LIMITS,
        addressLimits: { handshakesPerAddressPerMinute: MAX_LIMIT, failuresPerAddressPerMinute: MAX_LIMIT },
        port: 0,
        host: '127.0.0.1',
        publicUrl: undefined,
        pageFolder: page === 'built' ? PAGE_FOLDER : STUB_FOLDER,
      });
      releasers.push('gateway', () => gateway.close(0));
      const { secrets } = await gateway.tenants.create({ id: TENANT, name: 'Benchmark' });
      return { url: `http://127.0.0.1:${gateway.port}`, apiKey: secrets.apiKey };
    },
    sample: sampleProcess,
  };
}

serveRole(createMethods);
