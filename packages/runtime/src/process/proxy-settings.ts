/** The settings of proxies for outgoing requests. */

import { type HttpProxy, type ProxyRoute, parseHttpProxy } from '@qrcast/core/http-proxy';
import { z } from 'zod';
import { type Environment, readShared } from './environment.ts';
import { type NoProxy, parseNoProxy } from './no-proxy.ts';

export const httpProxy = z.string().transform((text, context): HttpProxy => {
  try {
    return parseHttpProxy(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : 'not a proxy', input: '' });
    return z.NEVER;
  }
});

/** An entry that is not understood is no fault: the variable is everybody's, and other programs know other forms. The start warns of it. */
export const noProxy = z.string().transform(parseNoProxy);

/** How the provider is asked; null: directly. */
export function proxyRoute(proxy: HttpProxy | undefined, exempt: NoProxy | undefined): ProxyRoute | null {
  return proxy === undefined ? null : { proxy, isDirect: exempt?.isDirect ?? (() => false) };
}

/** Settings that other programs read, too. */
const SHARED: readonly string[] = ['HTTPS_PROXY', 'NO_PROXY'];

/** The spelling of a setting that is set; an empty one counts as unset. */
export function variableOf(env: Environment, name: string): string {
  return (SHARED.includes(name) ? readShared(env, name)?.variable : undefined) ?? name;
}
