/**
 * How this process calls a gateway: with Node's own fetch and WebSocket. Node takes no proxy by itself, or (NODE_USE_ENV_PROXY) the one of the
 * environment for every address. What is right lies between: a gateway elsewhere is reached through HTTPS_PROXY, and the one that this process
 * starts is on the loopback address, which is another machine's to a proxy. The provider is not concerned: it has its own connections.
 */

import { setGlobalProxyFromEnv } from 'node:http';
import type { Environment } from '@qrcast/runtime/settings';

const LOOPBACK = ['localhost', '127.0.0.1', '::1'];

/** To be called once HTTPS_PROXY was found to be well-formed: Node repeats a faulty one in its error. */
export function reachGateways(env: Environment): void {
  const exempt = (env['no_proxy'] ?? '') === '' ? env['NO_PROXY'] : env['no_proxy'];
  setGlobalProxyFromEnv({ ...proxiesOf(env), no_proxy: [exempt ?? '', ...LOOPBACK].filter((entry) => entry !== '').join(',') });
}

/** HTTP_PROXY only where Node uses it already. */
function proxiesOf(env: Environment): Record<string, string> {
  const names = ['https_proxy', 'HTTPS_PROXY', ...(env['NODE_USE_ENV_PROXY'] === '1' ? ['http_proxy', 'HTTP_PROXY'] : [])];
  return Object.fromEntries(names.flatMap((name) => ((env[name] ?? '') === '' ? [] : [[name, env[name] ?? '']])));
}
