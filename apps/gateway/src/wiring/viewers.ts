/** Who may watch at this gateway, and what delivers to them, whatever their transport. */

import { DEFAULT_ADDRESS_LIMITS } from '@qrcast/core/tenant-limits';
import { type AddressRates, createAddressRates } from '../auth/address-rates.ts';
import { createAddressOf } from '../http/client-address.ts';
import { type ConnectRate, createConnectRate, spareTimeMs } from '../limits/connect-rate.ts';
import { openViewerQuota } from '../limits/viewer-quota.ts';
import { type ConnectionSlots, createConnectionSlots, MAX_ANONYMOUS } from '../streams/connection-slots.ts';
import { type Hub, openHub } from '../streams/hub.ts';
import { createWatchPermits, type WatchPermits } from '../streams/watch-permits.ts';
import type { GatewayOptions } from './gateway-options.ts';
import type { SessionParts } from './sessions.ts';
import type { Shared } from './shared.ts';
import type { Tenancy } from './tenancy.ts';

export interface Viewers {
  readonly addressRates: AddressRates;
  readonly connectRate: ConnectRate;
  readonly slots: ConnectionSlots;
  /** How many connections of viewers can be open at once, with a ticket and without. */
  readonly maxViewerConnections: number;
  readonly permits: WatchPermits;
  /** Closed by `openTransports`, before the transports that it delivers over. */
  readonly hub: Hub;
}

type ViewersOptions = Pick<GatewayOptions, 'trustedProxies' | 'addressLimits' | 'connectsPerSecond' | 'maxConnections' | 'maxAnonymous'>;

/** A watch survives two lost renewals. */
const RENEWALS_PER_GRACE = 3;

export function openViewers(shared: Shared, tenancy: Tenancy, sessionParts: SessionParts, options: ViewersOptions): Viewers {
  const { log, audited, releasers, lastsMs, meters, streamMeters } = shared;
  const { maxConnections, maxAnonymous = MAX_ANONYMOUS, trustedProxies = [], addressLimits = DEFAULT_ADDRESS_LIMITS } = options;
  const viewerQuota = openViewerQuota(shared);
  releasers.push('viewer quota', () => viewerQuota.close());
  const renewEveryMs = Math.floor(lastsMs / RENEWALS_PER_GRACE);
  meters.gauge('qrcast_connections_limit', () => maxConnections);
  const addressOf = createAddressOf(trustedProxies);
  const now = (): number => performance.now();
  return {
    addressRates: createAddressRates({ addressOf, limits: addressLimits, log, now }),
    connectRate: createConnectRate({ perSecond: options.connectsPerSecond ?? Number.POSITIVE_INFINITY, log, now, spareTimeMs }),
    slots: createConnectionSlots(maxConnections, maxAnonymous, streamMeters),
    maxViewerConnections: maxConnections + maxAnonymous,
    permits: createWatchPermits({ ...tenancy, viewerQuota }),
    hub: audited.hub(openHub({ ...shared, ...sessionParts, renewEveryMs })),
  };
}
