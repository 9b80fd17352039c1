/**
 * The worker role: polls the sessions that are due, and sends callbacks to tenants' servers. Any
 * number of workers share one Redis.
 */

import { DEFAULT_CALLBACK_HOSTS } from '@qrcast/core/callback-address';
import type { HttpProxy, ProxyRoute } from '@qrcast/core/http-proxy';
import type { Policy } from '@qrcast/core/schedule';
import { openProvider, UNKNOWN_CODING } from '@qrcast/provider/provider';
import type { AuditLimits } from '@qrcast/runtime/audit/audit-log';
import { createCheckQueue } from '@qrcast/runtime/connected/check-queue';
import { createConnectedInstances } from '@qrcast/runtime/connected/connected-instances';
import { connectedSettingsIn } from '@qrcast/runtime/connected/connected-settings';
import { proveKeyring } from '@qrcast/runtime/keyring/key-proofs';
import { createKeyring, type RingKey } from '@qrcast/runtime/keyring/keyring';
import type { Logger } from '@qrcast/runtime/log';
import type { Meters } from '@qrcast/runtime/metrics/meters';
import { openNode, sharedWhileUnderWay } from '@qrcast/runtime/node';
import { createInstanceHolds } from '@qrcast/runtime/polling/instance-hold';
import { providerRoute } from '@qrcast/runtime/process/proxy-log';
import { addReadyGauge } from '@qrcast/runtime/process/ready-gauge';
import { addWorkGauges } from '@qrcast/runtime/process/work-gauges';
import { createReleasers } from '@qrcast/runtime/releasers';
import { createWeatherCount } from '@qrcast/runtime/statistics/weather';
import { createTenantActivity } from '@qrcast/runtime/tenants/tenant-activity';
import { startCallbacks } from './callbacks/start-callbacks.ts';
import { type CodeReaderOptions, openCodeReader } from './codes/code-reader.ts';
import { createConnectedChecks } from './connected-checks.ts';
import { createHostRefusals } from './polls/host-refusals.ts';
import { createHostSlots } from './polls/host-slots.ts';
import { createHostSpeeds } from './polls/host-speeds.ts';
import { createPollMeters } from './polls/poll-meters.ts';
import { createPollHandlers } from './polls/poll-session.ts';

export interface WorkerOptions {
  readonly redisUrl: string;
  readonly namespace: string;
  readonly secretKeys: readonly RingKey[];
  readonly policy: Policy;
  readonly auditLimits?: AuditLimits | undefined;
  readonly upstreamHosts: readonly string[];
  /** Where callbacks may be sent. The default is every public host. */
  readonly callbackHosts?: readonly string[] | undefined;
  /** How requests reach the provider. The default is directly. */
  readonly proxyRoute?: ProxyRoute | null | undefined;
  /** The proxy for all callbacks. Without it they are sent directly. */
  readonly callbackProxy?: HttpProxy | undefined;
  /** Requests under way to the provider. */
  readonly concurrency: number;
  /** Of them to one host. A number above `concurrency` has no effect. */
  readonly hostConcurrency: number;
  /** Options of the code reader. The defaults are `CODE_READER_DEFAULTS`. */
  readonly codeReader?: Partial<CodeReaderOptions> | undefined;
  /**
   * Called when a poll starts, with how long after its due time it was claimed (ms), and its
   * tenant.
   */
  readonly onPoll?: (lateMs: number, tenantId: string) => void;
  /** How long a minute of a tenant's `checkConnectedEvery` lasts, ms. Tests use a shorter one. */
  readonly checkMinuteMs?: number | undefined;
  /** Called once with a queue's name if its worker takes no jobs, and replacing it does not help. */
  readonly onWedged?: ((queue: string) => void) | undefined;
  /** Where this worker counts what it does. Its own if left out. */
  readonly meters?: Meters | undefined;
  readonly log: Logger;
}

export interface Worker {
  /** Rejects while this worker cannot poll. */
  ready(): Promise<void>;
  /**
   * Stops claiming, then awaits the requests and callbacks under way, at most `graceMs`.
   * Idempotent.
   */
  close(graceMs: number): Promise<void>;
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one function: it wires the parts in the order in which they depend on one another.
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { log, upstreamHosts, onPoll } = options;
  const releasers = createReleasers();
  let closing: Promise<void> | null = null;
  try {
    const node = await openNode(options);
    releasers.push('node', () => node.close());
    const keyring = createKeyring(options.secretKeys);
    await proveKeyring(node.redis, options.namespace, keyring);
    const provider = openProvider({
      ...providerRoute(options.proxyRoute, log),
      onUnknownCoding: (coding) => log.warn({ coding }, UNKNOWN_CODING),
    });
    releasers.push('provider', () => provider.close());
    const codeReader = openCodeReader({ log, meters: node.meters }, options.codeReader);
    releasers.push('code reader', () => codeReader.close());
    const hostSlots = createHostSlots({ concurrency: options.hostConcurrency, now: () => performance.now() });
    const hostRefusals = createHostRefusals({ now: () => performance.now() });
    const hostSpeeds = createHostSpeeds({ now: () => performance.now() });
    const tenants = createTenantActivity({ ...options, ...node });
    const shared = { ...node, namespace: options.namespace, keyring, log };
    const connected = createConnectedInstances(shared);
    const pollMeters = createPollMeters({
      ...node,
      concurrency: options.concurrency,
      countAnswer: createWeatherCount({ ...node, namespace: options.namespace }),
      hostSpeeds,
    });
    const asked = { provider, hostSlots, hostRefusals, hostSpeeds, pollMeters, codeReader, connected, keyring, upstreamHosts };
    const handlers = createPollHandlers({ ...node, ...asked, tenants, onPoll, log });
    const check = createConnectedChecks({
      ...shared,
      settingsOf: connectedSettingsIn(shared),
      connected,
      checkQueue: createCheckQueue(shared),
      holds: createInstanceHolds(shared),
      provider,
      hostSlots,
      upstreamHosts,
      minuteMs: options.checkMinuteMs,
    });
    const { callbackHosts = DEFAULT_CALLBACK_HOSTS } = options;
    const stopCallbacks = await startCallbacks({ ...options, ...node, keyring, callbackHosts, connected, check });
    releasers.push('callbacks', () => stopCallbacks(0));
    await codeReader.started;
    const polls = await node.queue.consume(handlers, { concurrency: options.concurrency });
    addWorkGauges({ ...shared, ...node });
    const endTickGauge = node.meters.gauge('qrcast_tick_age_seconds', () => polls.tickAgeMs() / 1_000);
    const stopAll = async (graceMs: number): Promise<void> => void (await Promise.all([polls.close(graceMs), stopCallbacks(graceMs)]));
    log.info({ concurrency: options.concurrency, intervalMs: options.policy.intervalMs }, 'worker polls');
    const ready = sharedWhileUnderWay(async () => {
      await node.ready();
      await polls.ready();
    });
    const endReadyGauge = addReadyGauge(node.meters, 'worker', ready);
    return {
      ready,
      close(graceMs) {
        endTickGauge();
        endReadyGauge();
        closing ??= stopAll(graceMs).finally(() => releasers.release());
        return closing;
      },
    };
  } catch (error) {
    await releasers.release();
    throw error;
  }
}
