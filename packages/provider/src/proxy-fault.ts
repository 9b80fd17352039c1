import { connectionCause, type FaultCause } from '@qrcast/core/connection-fault';

/**
 * What went wrong before a proxy had opened a tunnel to a server: why the proxy could not be
 * reached, or one of these two. `status`: it answered CONNECT, but not with 2xx. `certificate`: the
 * tunnel is open, but the certificate at its end is not trusted, as with a proxy that intercepts
 * TLS.
 */
export type ProxyFaultKind = FaultCause | 'status' | 'certificate';

/**
 * A fault of the proxy itself. Nothing in it comes from the server behind the proxy, so it says
 * nothing about that server or the credentials there. It has no `cause` on purpose, because the
 * underlying error may contain the proxy's credentials.
 */
export class ProxyFault extends Error {
  override readonly name = 'ProxyFault';
  /** A code that undici does not know. After some of its known codes undici retries without end. */
  readonly code = 'ERR_PROXY';
  readonly kind: ProxyFaultKind;
  /** The status of the answer to CONNECT. */
  readonly status: number | null;

  constructor(kind: ProxyFaultKind, status: number | null = null) {
    super(status === null ? `The proxy could not be used (${kind})` : `The proxy answered CONNECT with ${status}`);
    this.kind = kind;
    this.status = status;
  }
}

/** Converts an error that came while the tunnel was being opened. */
export function toProxyFault(error: unknown): ProxyFault {
  return error instanceof ProxyFault ? error : new ProxyFault(connectionCause(error));
}
