/** Reads the settings of proxies for outgoing requests. */

import { type HttpProxy, type ProxyRoute, parseHttpProxy } from '@qrcast/core/http-proxy';
import { z } from 'zod';
import { type Environment, readShared } from './environment.ts';
import { type NoProxy, parseNoProxy } from './no-proxy.ts';
import { parsedBy } from './setting.ts';

export const httpProxy = parsedBy<HttpProxy>(parseHttpProxy, 'not a proxy');

/**
 * An entry that is not understood is no fault, because other programs read the variable too and
 * know other forms. A warning at the start names it.
 */
export const noProxy = z.string().transform(parseNoProxy);

/** How requests reach the provider. Null: directly. */
export function proxyRoute(proxy: HttpProxy | undefined, exempt: NoProxy | undefined): ProxyRoute | null {
  return proxy === undefined ? null : { proxy, isDirect: exempt?.isDirect ?? (() => false) };
}

/** Settings that other programs read as well. */
const SHARED: readonly string[] = ['HTTPS_PROXY', 'NO_PROXY'];

/**
 * The spelling under which a setting is set: the lower-case one first. An empty variable counts as
 * unset.
 */
export function variableOf(env: Environment, name: string): string {
  return (SHARED.includes(name) ? readShared(env, name)?.variable : undefined) ?? name;
}
