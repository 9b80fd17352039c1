/** On all addresses of the machine: one socket for IPv6 and IPv4, or IPv4 alone where the machine has no IPv6. */

import type { Logger } from '@qrcast/runtime/log';

/** IPv6 is not built in or was turned off. Anything else, as a port that is taken, would be no better with IPv4. */
const WITHOUT_IPV6 = ['EAFNOSUPPORT', 'EADDRNOTAVAIL'];

/**
 * `listen` is called once more at most. An IPv4 peer of the one socket has an address like `::ffff:192.0.2.7`, see `client-address.ts`.
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
