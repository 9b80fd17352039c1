/**
 * Decides how this process reaches a gateway. It uses Node's own fetch and WebSocket. By default,
 * Node uses no proxy; with NODE_USE_ENV_PROXY it uses the environment's proxy for every address. We
 * need both: a gateway elsewhere is reached through HTTPS_PROXY. The gateway that this process
 * starts is on the loopback address, which would be the proxy's own machine. The provider has its
 * own connections.
 */

import { setGlobalProxyFromEnv } from 'node:http';
import { type Environment, readShared } from '@qrcast/runtime/process/environment';
import { SettingsError } from '@qrcast/runtime/process/settings';

const LOOPBACK = ['localhost', '127.0.0.1', '::1'];

/**
 * Call it after HTTPS_PROXY has been checked.
 *
 * @param hasElsewhere whether this process calls a gateway that it did not start
 * @throws {SettingsError} for HTTP_PROXY, which Node uses for plain http and repeats in its error
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
