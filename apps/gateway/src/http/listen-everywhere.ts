/**
 * Listens on all addresses of the machine: with one socket for IPv6 and IPv4, or on IPv4 alone if
 * the machine has no IPv6.
 */

import type { Logger } from '@qrcast/runtime/log';

/**
 * IPv6 is not built in or was turned off. IPv4 would not help against any other error, such as a
 * port in use.
 */
const WITHOUT_IPV6 = ['EAFNOSUPPORT', 'EADDRNOTAVAIL'];

/**
 * Calls `listen` once or twice. On the shared socket an IPv4 peer has an address like
 * `::ffff:192.0.2.7`, see `client-address.ts`.
 * @throws what `listen` throws
 */
export async function listenEverywhere(listen: (host: string) => Promise<unknown>, log: Logger): Promise<void> {
  try {
    await listen('::');
  } catch (error) {
    const { code: errorCode = '' } = error as { code?: string };
    if (!WITHOUT_IPV6.includes(errorCode)) throw error;
    log.info({ errorCode }, 'this machine has no IPv6; listening on IPv4 alone');
    await listen('0.0.0.0');
  }
}
