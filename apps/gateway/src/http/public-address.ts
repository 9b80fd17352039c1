/**
 * Where clients reach this gateway: the configured public URL, or this machine's loopback address.
 */

export interface PublicAddress {
  /**
   * The public URL that the operator configured; null if there is none, so that only this machine
   * can reach us.
   */
  readonly configured: string | null;
  /** Without a trailing slash. Empty until `listensOn` if nothing was configured. */
  readonly url: () => string;
  /** Call once, when the port is known. */
  listensOn(port: number): void;
}

export function createPublicAddress(publicUrl: string | undefined): PublicAddress {
  let url = publicUrl ?? '';
  return {
    configured: publicUrl ?? null,
    url: () => url,
    listensOn(port) {
      if (publicUrl === undefined) url = `http://127.0.0.1:${port}`;
    },
  };
}
