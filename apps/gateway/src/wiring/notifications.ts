/**
 * Notifications of the provider, and the settings of an instance that make the provider send them.
 */

import { notificationUrl } from '@qrcast/core/notification-address';
import { createRelayLanes } from '@qrcast/runtime/callbacks/relay-lanes';
import { createOutbox, type Outbox } from '@qrcast/runtime/outbox/outbox';
import { createLastNotifications, type LastNotifications } from '../notifications/last-notifications.ts';
import { createNotificationRelay, type NotificationRelay } from '../notifications/notification-relay.ts';
import { createSettingsChanger } from '../notifications/settings-changer.ts';
import { createSettingsReader } from '../notifications/settings-reader.ts';
import { createWebhookSetup, type WebhookSetup } from '../notifications/webhook-setup.ts';
import type { GatewayOptions } from './gateway-options.ts';
import type { SessionParts } from './sessions.ts';
import type { Shared } from './shared.ts';
import type { Tenancy } from './tenancy.ts';

export interface Notifications {
  readonly outbox: Outbox;
  readonly relay: NotificationRelay;
  readonly lastNotifications: LastNotifications;
  readonly webhookSetup: WebhookSetup;
}

export function openNotifications(
  shared: Shared,
  tenancy: Tenancy,
  sessionParts: SessionParts,
  { settingsReadBackMs }: Pick<GatewayOptions, 'settingsReadBackMs'>,
): Notifications {
  const outbox = createOutbox(shared);
  const relay = createNotificationRelay({ ...shared, relayLanes: createRelayLanes(shared), outbox });
  const lastNotifications = createLastNotifications(shared);
  const reader = createSettingsReader({ ...shared, ...sessionParts });
  const changer = createSettingsChanger({ ...shared, ...sessionParts, reader, readBackMs: settingsReadBackMs });
  // Only the configured address: the loopback address is that of this machine, and no provider
  // could reach it.
  const { configured } = shared.publicAddress;
  const webhookUrlOf = (tenantId: string) => (configured === null ? null : notificationUrl(configured, tenantId));
  const webhookSetup = createWebhookSetup({ ...shared, ...tenancy, ...sessionParts, reader, changer, lastNotifications, webhookUrlOf });
  return { outbox, relay, lastNotifications, webhookSetup: shared.audited.webhookSetup(webhookSetup) };
}
