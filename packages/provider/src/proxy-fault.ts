import { errors } from 'undici';

/**
 * What went wrong before a proxy had opened the way to a server. `status`: it answered CONNECT, but with no 2xx. `certificate`: the way is open,
 * and at its end a certificate is shown that is not trusted, as by a proxy that opens TLS.
 */
export type ProxyFaultKind = 'dns' | 'refused' | 'tls' | 'timeout' | 'closed' | 'not_http' | 'unreachable' | 'status' | 'certificate';

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

/** Node's codes for a certificate that cannot be verified, or is another's; the last: one for which it has no word. */
const CERTIFICATE = /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT_|HOSTNAME_MISMATCH$|INVALID_|PATH_LENGTH_|UNSPECIFIED$)/;
const KINDS: readonly (readonly [code: RegExp, kind: ProxyFaultKind])[] = [
  [/^(ENOTFOUND|EAI_)/, 'dns'],
  [/^ECONNREFUSED$/, 'refused'],
  [/TIMEOUT|TIMEDOUT/, 'timeout'],
  [/^(ERR_TLS_|ERR_SSL_|EPROTO$)/, 'tls'],
  [CERTIFICATE, 'tls'],
  [/^(UND_ERR_SOCKET|ECONNRESET|EPIPE)$/, 'closed'],
];

/** The kind of an error that came while the way was being opened. */
export function toProxyFault(error: unknown): ProxyFault {
  if (error instanceof ProxyFault) return error;
  if (error instanceof errors.HTTPParserError) return new ProxyFault('not_http');
  const { code: given, name } = error as { readonly code?: unknown; readonly name?: unknown };
  const code = name === 'TimeoutError' ? 'TIMEOUT' : String(given); // the name of what AbortSignal.timeout throws, whose code is a number
  return new ProxyFault(KINDS.find(([pattern]) => pattern.test(code))?.[1] ?? 'unreachable');
}

/** Whether a connection ended because of the certificate that was shown. Undici wraps one of the errors. */
export function isCertificateError(error: unknown): boolean {
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: { readonly code?: unknown } };
  return CERTIFICATE.test(String(code)) || CERTIFICATE.test(String(cause?.code));
}
