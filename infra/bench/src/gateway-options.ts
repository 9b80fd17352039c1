/** How the measured gateways are set up. Nothing limits them, because one tenant and one address represent all. */

import { fileURLToPath } from 'node:url';
import { MAX_LIMIT } from '@qrcast/core/tenant-limits';
import type { startGateway } from '@qrcast/gateway/gateway';
import { nodeOptions, type System, secretKeys } from './system.ts';

const MAX_CONNECTIONS = 20_000;
const UNWATCHED_GRACE_MS = 15_000;
/** An empty login page, which does not have to be built. */
const STUB_FOLDER = fileURLToPath(new URL('../page', import.meta.url));

/** With a free port and the stub of the login page, for sessions at these providers. */
export function gatewayOptions(system: System, upstreamHosts: readonly string[]): Parameters<typeof startGateway>[0] {
  return {
    ...nodeOptions(system, 'gateway'),
    secretKeys: secretKeys(system),
    unwatchedGraceMs: UNWATCHED_GRACE_MS,
    upstreamHosts,
    adminKey: undefined,
    maxConnections: MAX_CONNECTIONS,
    tenantLimits: {
      sessions: MAX_LIMIT,
      viewers: MAX_LIMIT,
      viewersPerSession: MAX_LIMIT,
      requestsPerMinute: MAX_LIMIT,
      handshakesPerMinute: MAX_LIMIT,
      webhookCallsPerMinute: MAX_LIMIT,
    },
    addressLimits: { handshakesPerAddressPerMinute: MAX_LIMIT, failuresPerAddressPerMinute: MAX_LIMIT },
    port: 0,
    host: '127.0.0.1',
    publicUrl: undefined,
    pageFolder: STUB_FOLDER,
  };
}
