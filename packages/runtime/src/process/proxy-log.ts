/** What the log says of the operator's own proxies: which are used, and which requests they did not let through. Never their credentials. */

import type { HttpProxy, ProxyRoute } from '@qrcast/core/http-proxy';
import type { Logger } from '../log.ts';
import { type Environment, readShared } from './environment.ts';
import { parseNoProxy } from './no-proxy.ts';
import { createThrottle } from './throttle.ts';

/** As the provider package tells it. */
interface Fault {
  readonly kind: string;
  /** Of the answer to CONNECT. */
  readonly status: number | null;
}

export interface ProxyLogDeps {
  readonly log: Logger;
  /** Ms; need not be the time of day. */
  readonly now: () => number;
}

const UNREACHED = 'a request failed at the proxy and reached no server';
const UNTRUSTED = 'the certificate behind the proxy is not trusted; if the proxy opens TLS, name its authority in NODE_EXTRA_CA_CERTS';

/** Tells at the start that `proxy` is used, and `for` what. Returns what is to be called for each fault of it; each kind is logged once a minute. */
export function tellProxy({ log, now }: ProxyLogDeps, proxy: HttpProxy, usedFor: string): (fault: Fault, target: string) => void {
  log.info({ proxy: proxy.address, usedFor }, 'a proxy is used');
  const throttle = createThrottle(now);
  return ({ kind, status }, target) => {
    const leftOut = throttle(`${kind} ${status}`);
    if (leftOut === null) return;
    const fault = status === null ? { fault: kind } : { fault: kind, status };
    log.warn({ proxy: proxy.address, usedFor, ...fault, target, leftOut }, kind === 'certificate' ? UNTRUSTED : UNREACHED);
  };
}

/** The options of a provider client that takes this route, and tells of it. */
export function providerRoute(route: ProxyRoute | null | undefined, log: Logger) {
  if (route === null || route === undefined) return {};
  const onProxyFault = tellProxy({ log, now: () => performance.now() }, route.proxy, 'requests to the provider');
  return { proxyRoute: route, onProxyFault };
}

/** The same for the requests to tenants' servers. */
export function callbackRoute(proxy: HttpProxy | undefined, log: Logger) {
  if (proxy === undefined) return {};
  return { proxy, onProxyFault: tellProxy({ log, now: () => performance.now() }, proxy, 'callbacks and relayed notifications') };
}

export interface ProxyWarning {
  /** As it is spelled. */
  readonly variable: string;
  /** Positions, from 1, of the entries that are meant. */
  readonly entries?: readonly number[];
  readonly text: string;
}

/** Variables of proxies that are set and have no effect, as far as that can surprise. */
export function findProxyWarnings(env: Environment): readonly ProxyWarning[] {
  if (readShared(env, 'HTTPS_PROXY') === undefined) {
    const others = ['ALL_PROXY', 'HTTP_PROXY'].map((name) => readShared(env, name)).filter((other) => other !== undefined);
    return others.map(({ variable }) => ({ variable, text: 'this proxy is not used: the provider is asked through HTTPS_PROXY alone' }));
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
