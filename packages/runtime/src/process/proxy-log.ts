/**
 * Logs which of the operator's proxies are used, and which requests they refused. Never logs their
 * credentials.
 */

import type { HttpProxy, ProxyRoute } from '@qrcast/core/http-proxy';
import type { Logger } from '../log.ts';
import { type Environment, readShared } from './environment.ts';
import { parseNoProxy } from './no-proxy.ts';
import { createThrottle } from './throttle.ts';

/** A fault in the form of the provider package. */
interface Fault {
  readonly kind: string;
  /** The status of the answer to CONNECT. */
  readonly status: number | null;
}

export interface ProxyLogDeps {
  readonly log: Logger;
  /** Monotonic, ms. */
  readonly now: () => number;
}

const UNREACHED = 'a request failed at the proxy and reached no server';
const UNTRUSTED = 'the certificate behind the proxy is not trusted; if the proxy opens TLS, name its authority in NODE_EXTRA_CA_CERTS';

/**
 * Logs that `proxy` is used, and for what. Returns the function to call for each of its faults.
 * Each kind is logged once a minute.
 */
export function logProxy({ log, now }: ProxyLogDeps, proxy: HttpProxy, usedFor: string): (fault: Fault, target: string) => void {
  log.info({ proxy: proxy.address, usedFor }, 'a proxy is used');
  const throttle = createThrottle(now);
  return ({ kind, status }, target) => {
    const leftOut = throttle(`${kind} ${status}`);
    if (leftOut === null) return;
    const fault = status === null ? { fault: kind } : { fault: kind, status };
    log.warn({ proxy: proxy.address, usedFor, ...fault, target, leftOut }, kind === 'certificate' ? UNTRUSTED : UNREACHED);
  };
}

/** The options of a provider client that uses this route and logs it. */
export function providerRoute(route: ProxyRoute | null | undefined, log: Logger) {
  if (route === null || route === undefined) return {};
  const onProxyFault = logProxy({ log, now: () => performance.now() }, route.proxy, 'requests to the provider');
  return { proxyRoute: route, onProxyFault };
}

/** Likewise for the requests to tenants' servers. */
export function callbackRoute(proxy: HttpProxy | undefined, log: Logger) {
  if (proxy === undefined) return {};
  return { proxy, onProxyFault: logProxy({ log, now: () => performance.now() }, proxy, 'callbacks and relayed notifications') };
}

export interface ProxyWarning {
  /** As it is spelled in the environment. */
  readonly variable: string;
  /** Positions of the entries in question, counted from 1. */
  readonly entries?: readonly number[];
  readonly text: string;
}

/** Finds proxy variables that are set but have no effect, where that may be a surprise. */
export function findProxyWarnings(env: Environment): readonly ProxyWarning[] {
  if (readShared(env, 'HTTPS_PROXY') === undefined) {
    const others = ['ALL_PROXY', 'HTTP_PROXY'].map((name) => readShared(env, name)).filter((other) => other !== undefined);
    return others.map(({ variable }) => ({ variable, text: 'this proxy is not used: requests to the provider use only HTTPS_PROXY' }));
  }
  const { variable = '', text: hosts = '' } = readShared(env, 'NO_PROXY') ?? {};
  const entries = parseNoProxy(hosts).unknown;
  if (entries.length === 0) return [];
  return [
    { variable, entries, text: 'these entries are not understood and exempt nothing from the proxy; see .env.template for the forms' },
  ];
}

export function warnOfProxyVariables(env: Environment, log: Logger): void {
  for (const { text, ...facts } of findProxyWarnings(env)) log.warn(facts, text);
}

/** For a person at a terminal. */
export function proxyWarningText({ variable, entries, text }: ProxyWarning): string {
  return `${variable}${entries === undefined ? '' : `, ${entries.length === 1 ? 'entry' : 'entries'} ${entries.join(', ')}`}: ${text}`;
}
