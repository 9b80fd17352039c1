/** The first part of a gateway, which all other parts need. */

import { randomUUID } from 'node:crypto';
import { DEFAULT_TENANT_LIMITS } from '@qrcast/core/tenant-limits';
import { openProvider, type Provider, UNKNOWN_CODING } from '@qrcast/provider/provider';
import { proveKeyring } from '@qrcast/runtime/keyring/key-proofs';
import { createKeyring, type Keyring } from '@qrcast/runtime/keyring/keyring';
import type { Node } from '@qrcast/runtime/node';
import { providerRoute } from '@qrcast/runtime/process/proxy-log';
import type { Releasers } from '@qrcast/runtime/releasers';
import { type Audited, createAudited } from '../audit/audited.ts';
import { createPublicAddress, type PublicAddress } from '../http/public-address.ts';
import { beginRefusals } from '../http/refusals.ts';
import { createLimitOf, type LimitOf } from '../limits/tenant-limits.ts';
import { createRenumbering } from '../sessions/renumbering.ts';
import { createSessionQuota, noticeEnds, type SessionQuota } from '../sessions/session-quota.ts';
import { createStreamMeters, type StreamMeters } from '../streams/stream-meters.ts';
import type { GatewayOptions } from './gateway-options.ts';

export interface Shared
  extends Pick<GatewayOptions, 'namespace' | 'log' | 'policy' | 'upstreamHosts'>,
    Pick<Node, 'meters' | 'redis' | 'clock' | 'bus' | 'audit' | 'sessions' | 'queue'> {
  readonly streamMeters: StreamMeters;
  readonly keyring: Keyring;
  readonly provider: Provider;
  readonly limitOf: LimitOf;
  readonly sessionQuota: SessionQuota;
  readonly audited: Audited;
  readonly publicAddress: PublicAddress;
  /** The name of this gateway in its entries in Redis. */
  readonly gatewayId: string;
  /** How long those entries outlive the gateway, ms. */
  readonly lastsMs: number;
  readonly releasers: Releasers;
}

/** @throws {Error} if the keyring cannot open what others seal on this Redis. */
export async function openShared(options: GatewayOptions, node: Node, releasers: Releasers): Promise<Shared> {
  const { log, namespace, policy, upstreamHosts, unwatchedGraceMs, proxyRoute, tenantLimits = DEFAULT_TENANT_LIMITS } = options;
  const { meters, redis, clock, bus, audit, queue } = node;
  const keyring = createKeyring(options.secretKeys);
  await proveKeyring(redis, namespace, keyring);
  const provider = openProvider({
    ...providerRoute(proxyRoute, log),
    onUnknownCoding: (coding) => log.warn({ coding }, UNKNOWN_CODING),
  });
  releasers.push('provider', () => provider.close());
  beginRefusals(meters);
  const limitOf = createLimitOf(tenantLimits);
  const sessionQuota = createSessionQuota({ ...node, namespace, limitOf });
  return {
    ...{ namespace, log, policy, upstreamHosts, redis, clock, bus, audit, queue, keyring, provider, limitOf, sessionQuota, releasers },
    meters,
    streamMeters: createStreamMeters(meters),
    sessions: { ...noticeEnds(node.sessions, sessionQuota.leave), renumber: createRenumbering(node.sessions) },
    audited: createAudited({ audit, clock, log }),
    publicAddress: createPublicAddress(options.publicUrl),
    gatewayId: randomUUID(),
    lastsMs: unwatchedGraceMs,
  };
}
