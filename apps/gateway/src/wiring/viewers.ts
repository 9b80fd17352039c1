/** Who may watch at this gateway, and what delivers to them, whatever their transport. */

import { DEFAULT_ADDRESS_LIMITS } from '@qrcast/core/tenant-limits';
import { type AddressGate, createAddressGate } from '../auth/address-rates.ts';
import { createAddressOf } from '../http/client-address.ts';
import { openViewerPlaces } from '../limits/viewer-quota.ts';
import { type Admission, createAdmission, MAX_GUESTS } from '../streams/connection-slots.ts';
import { type Hub, openHub } from '../streams/hub.ts';
import { createSeats, type Seats } from '../streams/watch-permits.ts';
import type { GatewayOptions } from './gateway-options.ts';
import type { SessionParts } from './sessions.ts';
import type { Shared } from './shared.ts';
import type { Tenancy } from './tenancy.ts';

export interface Viewers {
  readonly addressGate: AddressGate;
  readonly admission: Admission;
  /** How many connections of viewers can be open at once, with a ticket and without. */
  readonly maxViewerConnections: number;
  readonly seats: Seats;
  /** Closed by `openTransports`, before the transports that it delivers over. */
  readonly hub: Hub;
}

type ViewersOptions = Pick<GatewayOptions, 'trustedProxies' | 'addressLimits' | 'maxConnections' | 'maxGuests'>;

/** A watch survives two lost renewals. */
const RENEWALS_PER_GRACE = 3;

export function openViewers(shared: Shared, tenancy: Tenancy, sessionParts: SessionParts, options: ViewersOptions): Viewers {
  const { log, audited, releasers, lastsMs } = shared;
  const { maxConnections, maxGuests = MAX_GUESTS, trustedProxies = [], addressLimits = DEFAULT_ADDRESS_LIMITS } = options;
  const places = openViewerPlaces(shared);
  releasers.push('viewer places', () => places.close());
  const renewEveryMs = Math.floor(lastsMs / RENEWALS_PER_GRACE);
  const addressOf = createAddressOf(trustedProxies);
  return {
    addressGate: createAddressGate({ addressOf, limits: addressLimits, log, now: () => performance.now() }),
    admission: createAdmission(maxConnections, maxGuests),
    maxViewerConnections: maxConnections + maxGuests,
    seats: createSeats({ ...tenancy, places }),
    hub: audited.hub(openHub({ ...shared, ...sessionParts, renewEveryMs })),
  };
}
