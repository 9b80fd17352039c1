import { connectionCause, type FaultCause } from '@qrcast/core/connection-fault';

/**
 * What went wrong before a proxy had opened the way to a server: why the proxy itself could not be reached, or one of two. `status`: it answered
 * CONNECT, but with no 2xx. `certificate`: the way is open, and at its end a certificate is shown that is not trusted, as by a proxy that
 * opens TLS.
 */
export type ProxyFaultKind = FaultCause | 'status' | 'certificate';

/**
 * The proxy's own trouble: no word of it comes from the server behind, so it says nothing of a server or of credentials there. Carries no
 * cause on purpose: what is underneath may hold the proxy's credentials.
 */
export class ProxyFault extends Error {
  override readonly name = 'ProxyFault';
  /** Known to no rule of undici, which tries again without end after some codes. */
  readonly code = 'ERR_PROXY';
  readonly kind: ProxyFaultKind;
  /** Of the answer to CONNECT. */
  readonly status: number | null;

  constructor(kind: ProxyFaultKind, status: number | null = null) {
    super(status === null ? `The proxy could not be used (${kind})` : `The proxy answered CONNECT with ${status}`);
    this.kind = kind;
    this.status = status;
  }
}

/** The kind of an error that came while the way was being opened. */
export function toProxyFault(error: unknown): ProxyFault {
  return error instanceof ProxyFault ? error : new ProxyFault(connectionCause(error));
}
