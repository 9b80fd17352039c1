import { describe, expect, it } from 'vitest';
import { CONNECTION_CAUSES } from './connection-cause.ts';
import { connectionCause, isCertificateFault } from './connection-fault.ts';

const fault = (fields: object): Error => Object.assign(new Error('x'), fields);

describe('the cause of a connection that failed', () => {
  it.each([
    ['dns', { code: 'ENOTFOUND', syscall: 'getaddrinfo' }],
    ['dns', { code: 'EAI_AGAIN' }],
    ['dns', { code: 'ECONNREFUSED', syscall: 'queryA' }],
    ['dns', { code: 'ENOMEM', syscall: 'getaddrinfo' }],
    ['refused', { code: 'ECONNREFUSED', syscall: 'connect' }],
    ['reset', { code: 'ECONNRESET' }],
    ['reset', { code: 'UND_ERR_SOCKET' }],
    ['reset', { code: 'ECONNRESET', message: 'bad response' }],
    ['tls', { code: 'CERT_HAS_EXPIRED' }],
    ['tls', { code: 'CERT_NOT_YET_VALID' }],
    ['tls', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }],
    ['tls', { code: 'SELF_SIGNED_CERT_IN_CHAIN' }],
    ['tls', { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }],
    ['tls', { code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' }],
    ['tls', { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }],
    ['tls', { code: 'ERR_SSL_WRONG_VERSION_NUMBER' }],
    ['tls', { code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' }],
    ['timeout', { name: 'TimeoutError' }],
    ['protocol', { name: 'HTTPParserError', data: 'SSH-2.0' }],
    ['reset', { name: 'HTTPParserError', data: '' }],
    ['protocol', { code: 'HPE_INVALID_CONSTANT' }],
    ['protocol', { code: 'UND_ERR_SOCKET', message: 'bad upgrade' }],
    ['protocol', { code: 'UND_ERR_SOCKET', message: 'bad response' }],
    ['other', { code: 'SOMETHING_NEW' }],
    ['other', { code: 'constructor' }],
    ['other', { code: 7 }],
    ['other', {}],
  ])('is %s for %j, also as the cause or a part of another error', (cause, fields) => {
    expect(connectionCause(fault(fields))).toBe(cause);
    expect(connectionCause(new TypeError('fetch failed', { cause: fault(fields) }))).toBe(cause);
    expect(connectionCause(new AggregateError([fault(fields), fault({ code: 'ECONNREFUSED' })]))).toBe(
      cause === 'other' ? 'refused' : cause,
    );
    expect(CONNECTION_CAUSES).toHaveProperty(cause);
  });

  it.each([
    ['dns', 'ENOTFOUND ENODATA ESERVFAIL EREFUSED EFORMERR ENOTIMP EBADNAME EBADRESP ETIMEOUT ECANCELLED'],
    ['tls', 'EPROTO UNSPECIFIED HOSTNAME_MISMATCH INVALID_CA INVALID_PURPOSE'],
    ['reset', 'ECONNRESET ECONNABORTED EPIPE'],
    ['no_route', 'EHOSTUNREACH ENETUNREACH EHOSTDOWN ENETDOWN EADDRNOTAVAIL'],
    ['timeout', 'ETIMEDOUT UND_ERR_CONNECT_TIMEOUT UND_ERR_HEADERS_TIMEOUT UND_ERR_BODY_TIMEOUT'],
    ['protocol', 'UND_ERR_HEADERS_OVERFLOW'],
  ])('is %s for the whole words %s, and not for longer ones', (cause, words) => {
    for (const code of words.split(' ')) {
      expect([code, connectionCause({ code })]).toEqual([code, cause]);
      for (const longer of [`X_${code}`, `${code}_X`]) expect([longer, connectionCause({ code: longer })]).toEqual([longer, 'other']);
    }
  });

  it('is found five causes deep', () => {
    const causes = Array.from({ length: 5 }).reduce<unknown>((cause) => ({ cause }), { code: 'EPIPE' });
    expect(connectionCause(causes)).toBe('reset');
  });

  it.each([undefined, null, 'text', 7])('is other for %j', (thrown) => {
    expect(connectionCause(thrown)).toBe('other');
  });

  it('is found in an error that is its own cause', () => {
    const own: Error & { cause?: unknown } = new Error('x');
    own.cause = own;
    expect(connectionCause(own)).toBe('other');
  });
});

it.each([
  [true, { code: 'CERT_HAS_EXPIRED' }],
  [true, { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }],
  [true, { code: 'HOSTNAME_MISMATCH' }],
  [true, { code: 'INVALID_CA' }],
  [false, { code: 'ERR_SSL_WRONG_VERSION_NUMBER' }],
  [false, { code: 'ERR_OSSL_X509_CERT_ALREADY_IN_HASH_TABLE' }],
  [false, { code: 'ECONNRESET' }],
  [false, {}],
])('it is %s that a certificate is at fault for %j, also as the cause of another error', (isCertificate, fields) => {
  expect(isCertificateFault(fault(fields))).toBe(isCertificate);
  expect(isCertificateFault(new TypeError('fetch failed', { cause: fault(fields) }))).toBe(isCertificate);
});
