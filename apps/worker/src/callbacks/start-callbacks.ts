/** Starts the callbacks, the relay, and the checks of connected instances in this worker. */

import type { HttpProxy } from '@qrcast/core/http-proxy';
import type { AuditLog } from '@qrcast/runtime/audit/audit-log';
import { createCallbackLog } from '@qrcast/runtime/callbacks/callback-log';
import { consumeCallbacks } from '@qrcast/runtime/callbacks/callback-queue';
import { createReceivers } from '@qrcast/runtime/callbacks/callback-receivers';
import { createRelayLanes } from '@qrcast/runtime/callbacks/relay-lanes';
import type { ConnectedInstances } from '@qrcast/runtime/connected/connected';
import { createConnectedInstances } from '@qrcast/runtime/connected/connected-instances';
import type { Keyring } from '@qrcast/runtime/keyring/keyring';
import type { Logger } from '@qrcast/runtime/log';
import type { Meters } from '@qrcast/runtime/metrics/meters';
import { callbackRoute } from '@qrcast/runtime/process/proxy-log';
import type { MeasuredClock } from '@qrcast/runtime/redis/clock';
import type { Connections } from '@qrcast/runtime/redis/connections';
import type { RedisClient } from '@qrcast/runtime/redis/redis-client';
import type { ConnectedChecks } from '../connected-checks.ts';
import { createCallbackMeters } from './callback-meters.ts';
import { openCallbackPost } from './callback-post.ts';
import { type CallbackDelays, createCallbackSender } from './callback-sender.ts';
import { createCallbackSlots } from './callback-slots.ts';

export interface CallbacksDeps extends CallbackDelays {
  readonly redis: RedisClient;
  readonly producer: RedisClient;
  readonly connections: Pick<Connections, 'open' | 'write'>;
  readonly onWedged?: ((queue: string) => void) | undefined;
  readonly namespace: string;
  readonly keyring: Keyring;
  readonly clock: MeasuredClock;
  readonly callbackHosts: readonly string[];
  /** The proxy for callbacks. Without it they are sent directly. */
  readonly callbackProxy?: HttpProxy | undefined;
  readonly audit?: Pick<AuditLog, 'record'> | undefined;
  /** Created here if left out. */
  readonly connected?: ConnectedInstances;
  /** Without it nothing is checked. */
  readonly check?: ConnectedChecks;
  readonly meters: Meters;
  readonly log: Logger;
}

/**
 * Resolves to the function that stops it and awaits what is under way, at most `graceMs`. That
 * function is idempotent.
 */
export async function startCallbacks(deps: CallbacksDeps): Promise<(graceMs: number) => Promise<void>> {
  const stores = { receivers: createReceivers(deps), callbackLog: createCallbackLog(deps), relayLanes: createRelayLanes(deps) };
  const post = openCallbackPost({ callbackHosts: deps.callbackHosts, ...callbackRoute(deps.callbackProxy, deps.log) });
  const sender = createCallbackSender({
    ...deps,
    ...stores,
    post,
    slots: createCallbackSlots(),
    callbackMeters: createCallbackMeters(deps.meters),
  });
  const { connected = createConnectedInstances(deps), check = async () => null } = deps;
  const stop = await consumeCallbacks({ ...deps, ...stores, connected }, { ...sender, check }).catch(async (error: unknown) => {
    await post.close();
    throw error;
  });
  let stopping: Promise<void> | null = null;
  return (graceMs) => (stopping ??= stop(graceMs).finally(() => post.close()));
}
