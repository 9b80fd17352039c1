import { describe, expect, it } from 'vitest';
import { CONNECTION_CAUSES } from './connection-cause.ts';
import { connectionCause, isCertificateFault } from './connection-fault.ts';

const fault = (fields: object): Error => Object.assign(new Error('x'), fields);

describe('the cause of a connection that failed', () => {
  it.each([
    ['dns', { code: 'ENOTFOUND', syscall: 'getaddrinfo' }],
    ['dns', { code: 'EAI_AGAIN' }],
    ['dns', { code: 'ECONNREFUSED', syscall: 'queryA' }],
    ['dns', { code: 'ETIMEOUT' }],
    ['refused', { code: 'ECONNREFUSED', syscall: 'connect' }],
    ['reset', { code: 'ECONNRESET' }],
    ['reset', { code: 'EPIPE' }],
    ['reset', { code: 'UND_ERR_SOCKET' }],
    ['tls', { code: 'CERT_HAS_EXPIRED' }],
    ['tls', { code: 'CERT_NOT_YET_VALID' }],
    ['tls', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }],
    ['tls', { code: 'SELF_SIGNED_CERT_IN_CHAIN' }],
    ['tls', { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }],
    ['tls', { code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' }],
    ['tls', { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }],
    ['tls', { code: 'ERR_SSL_WRONG_VERSION_NUMBER' }],
    ['tls', { code: 'EPROTO' }],
    ['tls', { code: 'HOSTNAME_MISMATCH' }],
    ['tls', { code: 'UNSPECIFIED' }],
    ['tls', { code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' }],
    ['timeout', { name: 'TimeoutError' }],
    ['timeout', { code: 'ETIMEDOUT' }],
    ['timeout', { code: 'UND_ERR_CONNECT_TIMEOUT' }],
    ['no_route', { code: 'EHOSTUNREACH' }],
    ['no_route', { code: 'ENETUNREACH' }],
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
  [false, { code: 'ECONNRESET' }],
  [false, {}],
])('it is %s that a certificate is at fault for %j, also as the cause of another error', (isCertificate, fields) => {
  expect(isCertificateFault(fault(fields))).toBe(isCertificate);
  expect(isCertificateFault(new TypeError('fetch failed', { cause: fault(fields) }))).toBe(isCertificate);
});
