/**
 * How this process calls a gateway: with Node's own fetch and WebSocket. Node takes no proxy by itself, or (NODE_USE_ENV_PROXY) the one of the
 * environment for every address. What is right lies between: a gateway elsewhere is reached through HTTPS_PROXY, and the one that this process
 * starts is on the loopback address, which is another machine's to a proxy. The provider is not concerned: it has its own connections.
 */

import { setGlobalProxyFromEnv } from 'node:http';
import { type Environment, readVariable } from '@qrcast/runtime/environment';
import { SettingsError } from '@qrcast/runtime/settings';

const LOOPBACK = ['localhost', '127.0.0.1', '::1'];

/**
 * `hasElsewhere`: a gateway that this process did not start is called. To be called once HTTPS_PROXY was found to be well-formed.
 * @throws {SettingsError} for HTTP_PROXY, which Node reads for plain http and repeats in its error.
 */
export function reachGateways(env: Environment, hasElsewhere: boolean): void {
  const isNodeProxying = env['NODE_USE_ENV_PROXY'] === '1';
  if (!hasElsewhere && !isNodeProxying) return;
  const exempt = readVariable(env, 'no_proxy') ?? readVariable(env, 'NO_PROXY');
  const names = ['https_proxy', 'HTTPS_PROXY', ...(isNodeProxying ? ['http_proxy', 'HTTP_PROXY'] : [])];
  const proxies = names.flatMap((name) => {
    const proxy = readVariable(env, name);
    return proxy === undefined ? [] : [[name, proxy]];
  });
  try {
    setGlobalProxyFromEnv({
      ...Object.fromEntries(proxies),
      no_proxy: [exempt ?? '', ...LOOPBACK].filter((entry) => entry !== '').join(','),
    });
  } catch {
    throw new SettingsError(['HTTP_PROXY: expected http://… or https://…']);
  }
}
