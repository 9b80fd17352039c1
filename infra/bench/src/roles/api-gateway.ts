/**
 * The gateway as it is deployed, for callers of its API. It has a tenant with a key, and can serve
 * the built login page.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PAGE_FOLDER } from '@qrcast/gateway/api/page-folder';
import { startGateway } from '@qrcast/gateway/gateway';
import type { Releasers } from '@qrcast/runtime/releasers';
import { gatewayOptions } from '../gateway-options.ts';
import { AUDIT_LIMITS, sampleProcess } from '../process-sample.ts';
import { serveRole } from '../role-process.ts';
import { type System, TENANT } from '../system.ts';

export type ApiGatewayMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  return {
    /** @param upstream the provider's origin, which sessions may name */
    async start(system: System, upstream: string, page: 'built' | 'stub'): Promise<{ url: string; apiKey: string }> {
      if (page === 'built' && !existsSync(join(PAGE_FOLDER, 'connect.html')))
        throw new Error('the login page is not built; run `pnpm build` first');
      const options = gatewayOptions(system, [upstream]);
      const pageFolder = page === 'built' ? PAGE_FOLDER : options.pageFolder;
      const gateway = await startGateway({ ...options, auditLimits: AUDIT_LIMITS, pageFolder });
      releasers.push('gateway', () => gateway.close(0));
      const { secrets } = await gateway.tenants.create({ id: TENANT, name: 'Benchmark' });
      return { url: `http://127.0.0.1:${gateway.port}`, apiKey: secrets.apiKey };
    },
    sample: sampleProcess,
  };
}

serveRole(createMethods);
