/**
 * Why no HTTP answer came, in a word for people who run the other end. Pure. The codes are those of
 * Node's `net`, `tls` and `dns`, of OpenSSL's certificate checks
 * (nodejs.org/api/tls.html#x509-certificate-error-codes) and of undici.
 */

import type { ConnectionCause } from './connection-cause.ts';

/** What an error alone can tell. That a proxy failed, or the sender stopped, its caller knows. */
export type FaultCause = Exclude<ConnectionCause, 'proxy' | 'stopped'>;

interface Fault {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
  readonly syscall?: unknown;
  readonly data?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
}

/**
 * The certificate that was shown cannot be verified, or is another's; UNSPECIFIED: Node has no word
 * for its fault, like a weak key.
 */
const CERTIFICATE =
  /^(?:UNSPECIFIED$|ERR_TLS_CERT_|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH$|INVALID_(?:CA|PURPOSE)$|PATH_LENGTH_|ERROR_IN_C)/;
const TLS = /^(?:EPROTO$|ERR_TLS_|ERR_SSL_)/;
const DNS = /^(?:EAI_|ENOTFOUND$|ENODATA$|ESERVFAIL$|EREFUSED$|EFORMERR$|ENOTIMP$|EBADNAME$|EBADRESP$|ETIMEOUT$|ECANCELLED$)/;

const CODES: Readonly<Record<string, FaultCause>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',
  UND_ERR_SOCKET: 'reset',
  EHOSTUNREACH: 'no_route',
  ENETUNREACH: 'no_route',
  EHOSTDOWN: 'no_route',
  ENETDOWN: 'no_route',
  EADDRNOTAVAIL: 'no_route',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_OVERFLOW: 'protocol',
};

/**
 * @param error of undici's `request`, of `fetch`, or of a socket: the first that is known of it,
 *   its causes and its parts
 */
export function connectionCause(error: unknown): FaultCause {
  for (const fault of faultsIn(error)) {
    const cause = causeOf(fault);
    if (cause !== null) return cause;
  }
  return 'other';
}

/** Whether it ended because of the certificate that was shown. Undici wraps one of these errors. */
export function isCertificateFault(error: unknown): boolean {
  return faultsIn(error).some(({ code }) => CERTIFICATE.test(String(code)));
}

/**
 * Itself, then its parts, then its cause; an error may name itself as its cause, so not deeper than
 * any real one.
 */
function faultsIn(error: unknown, depth = 0): Fault[] {
  if (typeof error !== 'object' || error === null || depth > 5) return [];
  const fault: Fault = error;
  const parts = Array.isArray(fault.errors) ? fault.errors : []; // of each address that was tried
  return [fault, ...[...parts, fault.cause].flatMap((inner) => faultsIn(inner, depth + 1))];
}

function causeOf({ name, code, message, syscall, data }: Fault): FaultCause | null {
  if (name === 'TimeoutError') return 'timeout';
  // Undici's parser: it has nothing to show where the connection ended too early.
  if (name === 'HTTPParserError') return data === '' ? 'reset' : 'protocol';
  if (typeof code !== 'string') return null;
  // A name server that refuses the connection says ECONNREFUSED, too.
  if (DNS.test(code) || syscall === 'getaddrinfo' || (typeof syscall === 'string' && syscall.startsWith('query'))) return 'dns';
  if (TLS.test(code) || CERTIFICATE.test(code)) return 'tls';
  if (code.startsWith('HPE_')) return 'protocol';
  // Undici's words for a status below 200 that nobody asked for.
  if (code === 'UND_ERR_SOCKET' && (message === 'bad upgrade' || message === 'bad response')) return 'protocol';
  return Object.hasOwn(CODES, code) ? (CODES[code] ?? null) : null;
}
