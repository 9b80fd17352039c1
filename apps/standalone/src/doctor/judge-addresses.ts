/** Judges whether the provider's hosts and the public address can be reached from here. Pure. */

import { CONNECTION_CAUSES } from '@qrcast/core/connection-cause';
import type { FaultCause } from '@qrcast/core/connection-fault';
import type { Reached } from '@qrcast/provider/reach';
import { type Finding, fault, ok, type Subject, unknown, warning } from './finding.ts';

export interface ProviderFacts {
  /** An origin; or an entry of QRCAST_UPSTREAM_HOSTS that names no host of its own. */
  readonly host: string;
  /** The address of the proxy that the request takes; null for none. */
  readonly proxy: string | null;
  /** Null: it is a pattern, so there is nothing to ask. */
  readonly reached: Reached | null;
}

export const PROVIDER = { id: 'provider-host', expected: "the provider's host answers a request from this machine" };

export function judgeProvider({ host, proxy, reached }: ProviderFacts): Finding {
  const way = proxy === null ? '' : ` through the proxy ${proxy}`;
  if (reached === null) {
    return unknown(PROVIDER, `${host} stands for many hosts`, 'name a host in full in QRCAST_UPSTREAM_HOSTS to have it asked');
  }
  switch (reached.kind) {
    case 'answered':
      return ok(PROVIDER, `${host} answers${way}`);
    case 'private':
      return fault(
        PROVIDER,
        `${host} resolves to addresses of a private network only`,
        'correct the name server, or QRCAST_UPSTREAM_HOSTS',
      );
    case 'proxy':
      return fault(PROVIDER, `${host} is not reached${way}: ${proxyWords(reached)}`, proxyMend(reached, host));
    case 'failed':
      return fault(PROVIDER, `${host} is not reached${way}: ${CONNECTION_CAUSES[reached.cause]}`, causeMend(reached.cause, proxy !== null));
    default:
      return reached satisfies never;
  }
}

type ProxyTrouble = Extract<Reached, { kind: 'proxy' }>;

function proxyWords({ fault: kind, status }: ProxyTrouble): string {
  if (kind === 'status') return `it answers ${status}`;
  return kind === 'certificate' ? 'the certificate behind it is not trusted' : CONNECTION_CAUSES[kind];
}

function proxyMend({ fault: kind, status }: ProxyTrouble, host: string): string {
  if (status === 407) return 'write the user and password of the proxy into HTTPS_PROXY';
  if (kind === 'status')
    return `allow the host at the proxy, or add ${bareName(host)} to NO_PROXY if this machine may connect to it itself`;
  return kind === 'certificate' ? TO_TRUST : 'correct HTTPS_PROXY, or start the proxy';
}

const bareName = (origin: string): string => origin.replace(/^https?:\/\//, '');
const TO_TRUST = 'name the certificate of the authority that opens TLS on the way in NODE_EXTRA_CA_CERTS';

function causeMend(cause: FaultCause, isProxied: boolean): string {
  if (cause === 'dns') return 'correct the name server of this machine, or set HTTPS_PROXY if only a proxy resolves outside names';
  if (cause === 'tls') return TO_TRUST;
  return isProxied ? "read the proxy's log" : 'let the firewall pass this machine to the host, or set HTTPS_PROXY';
}

export const PUBLIC_PATH = '/v1/sessions';

/** What came from that path, without a key. */
export type PublicFacts =
  | { readonly kind: 'answered'; readonly status: number; readonly isGateway: boolean }
  | { readonly kind: 'failed'; readonly cause: FaultCause };

export const PUBLIC: Subject = { id: 'public-address', expected: `a gateway answers at ${PUBLIC_PATH} below QRCAST_PUBLIC_URL` };

/** @param url QRCAST_PUBLIC_URL, which holds no secret */
export function judgePublic(url: string, facts: PublicFacts): Finding {
  switch (facts.kind) {
    case 'answered':
      if (facts.isGateway) return ok(PUBLIC, `a gateway answers at ${url}`);
      return fault(PUBLIC, `${url}${PUBLIC_PATH} answers ${facts.status}, but not like a gateway`, TO_ROUTE);
    case 'failed': {
      const found = `${url}${PUBLIC_PATH} is not reached: ${CONNECTION_CAUSES[facts.cause]}`;
      if (facts.cause === 'timeout' || facts.cause === 'no_route') return warning(PUBLIC, found, FROM_OUTSIDE);
      return fault(PUBLIC, found, TO_ROUTE);
    }
    default:
      return facts satisfies never;
  }
}

const TO_ROUTE = 'start a gateway, and let the proxy in front pass the whole path to it; infra/proxies/README.md shows how';
/** Many networks do not lead their own public address back inside. */
const FROM_OUTSIDE = 'try it from outside of this network; if it fails there, too, correct the proxy, the firewall or QRCAST_PUBLIC_URL';
