/** Callbacks, the relay, and the checks of connected instances in this worker, put together. */

import type { HttpProxy } from '@qrcast/core/http-proxy';
import type { AuditLog } from '@qrcast/runtime/audit/audit-log';
import { createCallbackLog } from '@qrcast/runtime/callbacks/callback-log';
import { consumeCallbacks } from '@qrcast/runtime/callbacks/callback-queue';
import { createReceivers } from '@qrcast/runtime/callbacks/callback-receivers';
import { createRelayLanes } from '@qrcast/runtime/callbacks/relay-lanes';
import { type ConnectedInstances, createConnectedInstances } from '@qrcast/runtime/connected/connected-instances';
import type { Keyring } from '@qrcast/runtime/keyring/keyring';
import type { Logger } from '@qrcast/runtime/log';
import { callbackRoute } from '@qrcast/runtime/process/proxy-log';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { Redis } from 'ioredis';
import type { ConnectedChecks } from '../connected-checks.ts';
import { openCallbackPost } from './callback-post.ts';
import { type CallbackDelays, createCallbackSender } from './callback-sender.ts';
import { createCallbackTurns } from './callback-turns.ts';

export interface CallbacksDeps extends CallbackDelays {
  readonly redis: Redis;
  readonly redisUrl: string;
  readonly namespace: string;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly callbackHosts: readonly string[];
  /** What callbacks go through; they are sent directly if left out. */
  readonly callbackProxy?: HttpProxy | undefined;
  readonly audit?: Pick<AuditLog, 'record'> | undefined;
  /** Of its own if left out. */
  readonly connected?: ConnectedInstances;
  /** Nothing is checked if left out. */
  readonly check?: ConnectedChecks;
  readonly log: Logger;
}

/** Resolves to the function that stops it and awaits what is under way, at most `graceMs`. Idempotent. */
export async function startCallbacks(deps: CallbacksDeps): Promise<(graceMs: number) => Promise<void>> {
  const stores = { receivers: createReceivers(deps), callbackLog: createCallbackLog(deps), relayLanes: createRelayLanes(deps) };
  const post = openCallbackPost({ callbackHosts: deps.callbackHosts, ...callbackRoute(deps.callbackProxy, deps.log) });
  const sender = createCallbackSender({ ...deps, ...stores, post, turns: createCallbackTurns() });
  const { connected = createConnectedInstances(deps), check = async () => null } = deps;
  const stop = await consumeCallbacks({ ...deps, ...stores, connected }, { ...sender, check }).catch(async (error: unknown) => {
    await post.close();
    throw error;
  });
  let stopping: Promise<void> | null = null;
  return (graceMs) => (stopping ??= stop(graceMs).finally(() => post.close()));
}
