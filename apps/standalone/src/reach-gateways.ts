/**
 * How this process calls a gateway: with Node's own fetch and WebSocket. Node takes no proxy by itself, or (NODE_USE_ENV_PROXY) the one of the
 * environment for every address. What is right lies between: a gateway elsewhere is reached through HTTPS_PROXY, and the one that this process
 * starts is on the loopback address, which is another machine's to a proxy. The provider is not concerned: it has its own connections.
 */

import { setGlobalProxyFromEnv } from 'node:http';
import { type Environment, readShared } from '@qrcast/runtime/process/environment';
import { SettingsError } from '@qrcast/runtime/process/settings';

const LOOPBACK = ['localhost', '127.0.0.1', '::1'];

/**
 * `hasElsewhere`: a gateway that this process did not start is called. To be called once HTTPS_PROXY was found to be well-formed.
 * @throws {SettingsError} for HTTP_PROXY, which Node reads for plain http and repeats in its error.
 */
export function reachGateways(env: Environment, hasElsewhere: boolean): void {
  const isNodeProxying = env['NODE_USE_ENV_PROXY'] === '1';
  if (!hasElsewhere && !isNodeProxying) return;
  const textOf = (name: string): string | undefined => readShared(env, name)?.text;
  try {
    setGlobalProxyFromEnv({
      https_proxy: textOf('HTTPS_PROXY'),
      http_proxy: isNodeProxying ? textOf('HTTP_PROXY') : undefined,
      no_proxy: [textOf('NO_PROXY') ?? [], LOOPBACK].flat().join(','),
    });
  } catch {
    throw new SettingsError(['HTTP_PROXY: expected http://… or https://…']);
  }
}
