/**
 * Passes the provider's notifications on to the tenant's own server, because an instance has only
 * one webhook URL, and it is ours. Notifications are stored here. A worker sends them, in order for
 * each instance.
 */

import { RefusedError } from '@qrcast/core/errors';
import { notifiedInstanceSchema } from '@qrcast/core/notification';
import type { RelayLanes } from '@qrcast/runtime/callbacks/relay-lanes';
import type { Outbox } from '@qrcast/runtime/outbox/outbox';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { Tenant } from '../tenants/tenants.ts';

export interface NotificationRelay {
  /**
   * Resolves once it is stored, or if the tenant wants none.
   * @throws {RefusedError} `unavailable` if too many wait because the tenant's server has been out:
   * then the provider keeps it.
   */
  passOn(tenant: Pick<Tenant, 'id' | 'relay'>, notification: Notification): Promise<void>;
}

export interface Notification {
  /** As it came; it is sent on unchanged. */
  readonly text: string;
  readonly value: unknown;
}

export interface NotificationRelayDeps {
  readonly relayLanes: RelayLanes;
  readonly outbox: Pick<Outbox, 'markAround'>;
  readonly clock: Clock;
}

/** The lane of notifications that name no instance. */
const NO_INSTANCE = '0';
const FULL_RETRY_AFTER_MS = 60_000;

export function createNotificationRelay({ relayLanes, outbox, clock }: NotificationRelayDeps): NotificationRelay {
  return {
    async passOn({ id: tenantId, relay }, { text, value }) {
      if (relay === null) return;
      const instanceId = notifiedInstanceSchema.safeParse(value).data?.instanceData.idInstance ?? NO_INSTANCE;
      const lane = { tenantId, instanceId };
      const isTaken = await outbox.markAround({ kind: 'relay', ...lane }, () => relayLanes.push(lane, text, clock.now()));
      if (isTaken) return;
      const detail = "too many notifications wait for the tenant's own server, which accepts none; send this one again later";
      throw new RefusedError('unavailable', detail, { retryAfterMs: FULL_RETRY_AFTER_MS });
    },
  };
}
