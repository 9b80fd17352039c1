/** For tests: a real Redis that speaks TLS, with certificates of an authority of its own. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../src/redis/free-port.ts';
import { findRedisProgram, openRedisServer } from '../src/redis/redis-server.ts';
import { makeCertificates } from './certificates.ts';

export interface TlsRedis {
  /** Over TLS. The certificate is for `localhost`. */
  readonly url: string;
  /** The same server without TLS. */
  readonly plainUrl: string;
  /** Paths of PEM files. */
  readonly files: { readonly ca: string; readonly cert: string; readonly key: string };
  close(): Promise<void>;
}

export async function openTlsRedis({ asksForCertificate = false } = {}): Promise<TlsRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-tls-redis-'));
  const { ca, server: own, client } = makeCertificates(folder);
  const port = await freePort();
  const server = await openRedisServer({
    program: findRedisProgram(process.env['PATH'] ?? '') ?? 'redis-server',
    folder,
    persistent: false,
    args: [
      ...['--tls-port', String(port), '--tls-cert-file', own.cert, '--tls-key-file', own.key],
      ...['--tls-ca-cert-file', ca, '--tls-auth-clients', asksForCertificate ? 'yes' : 'no'],
    ],
  });
  const url = new URL(server.url);
  return {
    url: `rediss://:${url.password}@localhost:${port}`,
    plainUrl: server.url,
    files: { ca, ...client },
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
