/**
 * Makes the tenant before the measured gateways start. Its webhook token is shown only now, and
 * whoever posts notifications needs it.
 */

import { fileURLToPath } from 'node:url';
import { startGateway } from '@qrcast/gateway/gateway';
import { serveRole } from '../role-process.ts';
import { nodeOptions, type System, secretKeys, TENANT } from '../system.ts';

const PAGE_FOLDER = fileURLToPath(new URL('../../page', import.meta.url));

export type TenantMethods = ReturnType<typeof createMethods>;

function createMethods() {
  return {
    async create(system: System): Promise<{ webhookToken: string }> {
      // A gateway that nobody connects to: the package offers its tenants in no other way.
      const gateway = await startGateway({
        ...nodeOptions(system, 'tenant'),
        secretKeys: secretKeys(system),
        unwatchedGraceMs: 0,
        upstreamHosts: [],
        adminKey: undefined,
        maxConnections: 1,
        port: 0,
        host: '127.0.0.1',
        publicUrl: undefined,
        pageFolder: PAGE_FOLDER,
      });
      try {
        const { secrets } = await gateway.tenants.create({ id: TENANT, name: 'Benchmark' });
        return { webhookToken: secrets.webhookToken };
      } finally {
        await gateway.close(0);
      }
    },
  };
}

serveRole(createMethods);
