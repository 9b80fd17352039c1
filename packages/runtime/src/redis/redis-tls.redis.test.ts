/** TLS to a real Redis whose certificate is signed by an authority that nobody knows. */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTlsRedis, type TlsRedis } from '../../test/tls-redis.ts';
import { createLog } from '../log.ts';
import { connectRedis, disconnectRedis } from './redis.ts';
import { redisAddress, tlsOptions } from './redis-address.ts';
import { checkRedis } from './start-check.ts';

const log = createLog('test', 'silent');

let server: TlsRedis;
let strict: TlsRedis;
beforeAll(async () => {
  [server, strict] = await Promise.all([openTlsRedis(), openTlsRedis({ asksForCertificate: true })]);
});
afterAll(async () => {
  await Promise.all([server.close(), strict.close()]);
});

const faultOf = (redisUrl: string): Promise<string> =>
  checkRedis({ redisUrl, namespace: 'qrcast', log }).then(
    () => '',
    (error: Error) => error.message,
  );

describe('over TLS', () => {
  it('a server is accepted with the certificate of its authority, by the check and by each role of a connection', async () => {
    const address = redisAddress(server.url, { ca: server.files.ca });
    expect(await faultOf(address)).toBe('');
    for (const role of ['commands', 'producer', 'subscriber', 'queue'] as const) {
      const redis = connectRedis(address, role, log);
      expect(await redis.ping()).toBe('PONG');
      await disconnectRedis(redis);
    }
  });

  it.each([
    [
      'without that certificate',
      () => server.url,
      'signed by an authority that is not trusted. Name the certificate of that authority in QRCAST_REDIS_CA',
    ],
    [
      'with that of another authority',
      () => redisAddress(server.url, { ca: strict.files.ca }),
      'signed by an authority that is not trusted. Name the certificate of that authority in QRCAST_REDIS_CA',
    ],
    [
      'under another name',
      () => redisAddress(server.url.replace('localhost', '127.0.0.1'), { ca: server.files.ca }),
      'is for another name than the one in REDIS_URL',
    ],
    [
      'at a port without TLS',
      () => server.plainUrl.replace('redis:', 'rediss:'),
      'it gave no answer within 5 s. Write rediss:// in REDIS_URL for a port with TLS',
    ],
    [
      'with plain text at the TLS port',
      () => server.url.replace('rediss:', 'redis:'),
      'closes the connection without an answer. Write rediss:// in REDIS_URL for a port with TLS',
    ],
  ])('it is refused %s', async (_case, address, fault) => {
    const text = await faultOf(address());
    expect(text).toContain(fault);
    expect(text).not.toContain(new URL(server.url).password);
    expect(text.split('\n')).toHaveLength(2);
  });

  it('a server that asks for a certificate gets it, and is named where it is missing', async () => {
    expect(await faultOf(redisAddress(strict.url, strict.files))).toBe('');
    expect(await faultOf(redisAddress(strict.url, { ca: strict.files.ca }))).toContain('Name one in QRCAST_REDIS_CERT');
  });

  it('a server that asks for a certificate is named also if its refusal crosses with what is written to it', async () => {
    const { url, lost, close } = await loseRefusals(strict.url);
    expect(await faultOf(redisAddress(url, { ca: strict.files.ca }))).toContain('Name one in QRCAST_REDIS_CERT');
    expect(lost()).toBeGreaterThan(0);
    await close();
  });
});

/** A proxy that resets a connection whose client writes before it knows that it is refused. */
async function loseRefusals(url: string): Promise<{ url: string; lost: () => number; close: () => Promise<unknown> }> {
  let lost = 0;
  const proxy = createServer((client) => {
    const server = connect(Number(new URL(url).port), '127.0.0.1');
    const [asked, answered]: [Buffer[], Buffer[]] = [[], []];
    const isOver = (): boolean => encryptedRecords(Buffer.concat(asked)) >= HANDSHAKE_RECORDS;
    client.on('data', (chunk) => {
      asked.push(chunk);
      server.write(chunk);
    });
    server.on('data', (chunk) => (isOver() ? answered.push(chunk) : client.write(chunk)));
    server.on('close', () => {
      if (encryptedRecords(Buffer.concat(asked)) === HANDSHAKE_RECORDS) return client.end(Buffer.concat(answered));
      lost += 1;
      return client.resetAndDestroy();
    });
    for (const socket of [client, server]) socket.on('error', () => undefined); // the other side cut it
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  const { port } = proxy.address() as AddressInfo; // it listens on TCP
  return { url: url.replace(/\d+$/, String(port)), lost: () => lost, close: () => once(proxy.close(), 'close') };
}

/** What a client of TLS 1.3 sends to end a handshake: that it has no certificate, and that it is done. */
const HANDSHAKE_RECORDS = 2;
const ENCRYPTED = 23;

function encryptedRecords(sent: Buffer): number {
  let count = 0;
  for (let at = 0; at + 5 <= sent.length; at += 5 + sent.readUInt16BE(at + 3)) if (sent[at] === ENCRYPTED) count += 1;
  return count;
}

describe('an address of Redis', () => {
  it('is the URL itself without files, and keeps user, password and database with them', () => {
    const url = 'rediss://u%40x:p%2F%3F%23@localhost:1/3';
    expect(redisAddress(url, {})).toBe(url);
    expect(tlsOptions(url)).toEqual({});
    const address = redisAddress(url, { ca: server.files.ca });
    expect(address.startsWith(`${url}?`)).toBe(true);
    expect(Object.keys(tlsOptions(address).tls ?? {})).toEqual(['ca']);
  });
});
