/**
 * Why no HTTP answer came, in one word for the person who runs the other end. Pure. The codes come
 * from Node's `net`, `tls` and `dns`, from OpenSSL's certificate checks
 * (nodejs.org/api/tls.html#x509-certificate-error-codes) and from undici.
 */

import type { ConnectionCause } from './connection-cause.ts';

/**
 * Causes that an error alone can tell. Only the caller knows that a proxy failed, or that the
 * sender was stopped.
 */
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
 * The certificate cannot be verified, or is for another name. UNSPECIFIED is a fault that Node has
 * no word for, like a weak key.
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
 * The first known cause among the error, its parts and its causes. The error comes from undici's
 * `request`, from `fetch`, or from a socket.
 */
export function connectionCause(error: unknown): FaultCause {
  for (const fault of faultsIn(error)) {
    const cause = causeOf(fault);
    if (cause !== null) return cause;
  }
  return 'other';
}

/**
 * Whether the connection ended because of the server's certificate. Undici wraps one of these
 * errors.
 */
export function isCertificateFault(error: unknown): boolean {
  return faultsIn(error).some(({ code }) => CERTIFICATE.test(String(code)));
}

/**
 * The error, then its parts, then its cause. The depth is bounded, because an error may name itself
 * as its cause.
 */
function faultsIn(error: unknown, depth = 0): Fault[] {
  if (typeof error !== 'object' || error === null || depth > 5) return [];
  const fault: Fault = error;
  const parts = Array.isArray(fault.errors) ? fault.errors : []; // one for each address that was tried
  return [fault, ...[...parts, fault.cause].flatMap((inner) => faultsIn(inner, depth + 1))];
}

function causeOf({ name, code, message, syscall, data }: Fault): FaultCause | null {
  if (name === 'TimeoutError') return 'timeout';
  // Undici's parser has no data if the connection ended too early.
  if (name === 'HTTPParserError') return data === '' ? 'reset' : 'protocol';
  if (typeof code !== 'string') return null;
  // A name server that refuses the connection gives ECONNREFUSED, too.
  if (DNS.test(code) || syscall === 'getaddrinfo' || (typeof syscall === 'string' && syscall.startsWith('query'))) return 'dns';
  if (TLS.test(code) || CERTIFICATE.test(code)) return 'tls';
  if (code.startsWith('HPE_')) return 'protocol';
  // Undici's words for a status below 200 that nobody asked for.
  if (code === 'UND_ERR_SOCKET' && (message === 'bad upgrade' || message === 'bad response')) return 'protocol';
  return Object.hasOwn(CODES, code) ? (CODES[code] ?? null) : null;
}
