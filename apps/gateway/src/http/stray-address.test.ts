import { describe, expect, it } from 'vitest';
import { readStrayAddress } from './stray-address.ts';

const TICKET = 'eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIn0.eyJzY29wZSI6W119.sIgnature_-0123456789';

describe('a damaged address that still means the login page', () => {
  it.each([
    ['/connect/', null],
    ['/connect//', null],
    ['//connect', null],
    ['/connect%20', null],
    ['/connect%E2%80%8B', null],
    ['/%EF%BB%BFconnect', null],
    ['/Connect', null],
    ['/CONNECT/', null],
    ['/%63onnect', null],
    ['/connect/?utm_source=mail', null],
    ['/connect?fbclid=IwAR0123456789abcdefghijklmnopqrstuvwxyz', null],
    ['/connect?fbclid=IwAReyJ0123456789abcdefghijklmnopqrstuvwxyz', null],
    ['/connect/ses_A-b_9/', 'ses_A-b_9'],
    ['/Connect/ses_A-b_9', 'ses_A-b_9'],
    ['//connect//ses_A-b_9//', 'ses_A-b_9'],
  ])('%s', (url, sessionId) => {
    expect(readStrayAddress(url)).toEqual({ kind: 'login', sessionId });
  });
});

describe('a link that cannot be repaired', () => {
  it.each([
    `/connect%23${TICKET}`,
    `/connect%2523${TICKET}`,
    `/connect%252523${TICKET}`,
    `/connect/${TICKET}`,
    `/connect/%23${TICKET}`,
    `/connect${TICKET}`,
    `/connect&${TICKET}`,
    `/connect?${TICKET}`,
    `/connect?ticket=${TICKET}`,
    `/connect?x=1&t=${TICKET}`,
    `/connect?e%79J${TICKET.slice(3)}`,
    `/connect?ticket=`,
    `/CONNECT%23${TICKET.toUpperCase()}`,
    `/connect/ses_A-b_9%23${TICKET}`,
    `/connect/ses_A-b_9/${TICKET}`,
    `/${TICKET}`,
    `/%23${TICKET}`,
    `/?${TICKET}`,
    `/connect%E2%80%8B%23e%E2%80%8ByJ${TICKET.slice(3)}`,
    '/connect/ses_A-b_9%20',
    '/connect/ses_A-b_9%E2%80%8B',
    '/connect%23',
    '/connect.',
    '/connect)',
    '/connect%3E',
    '/connect%zz',
    '/connect%ff%23',
    '/connect/ses_',
    '/connect/ses_A-b_9%23',
    '/connect/more',
  ])('%s', (url) => {
    expect(readStrayAddress(url)).toEqual({ kind: 'damaged' });
  });
});

describe('any other address', () => {
  it.each([
    '/',
    '/nothing',
    '/connected',
    '/connect-me',
    '/connect_',
    '/connect/assets/none.js',
    '/doc',
    '',
    '*',
    '/reconnect/',
    '/moneyjournals',
    '/keyJ',
  ])('%s', (url) => {
    expect(readStrayAddress(url).kind).toBe(/^\/connect-/.test(url) ? 'damaged' : 'unknown');
  });
});
