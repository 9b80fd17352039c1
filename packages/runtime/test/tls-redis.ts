/** For tests: a real Redis that speaks TLS, with certificates of an authority of its own. */

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../src/redis/free-port.ts';
import { findRedisProgram, openRedisServer } from '../src/redis/redis-server.ts';

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
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=qrcast test authority', '-days', '2');
  writeFileSync(join(folder, 'names'), 'subjectAltName=DNS:localhost\n');
  for (const name of ['server', 'client']) {
    openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'];
    openssl('x509', '-req', '-in', `${name}.csr`, ...signer, '-days', '2', '-extfile', 'names', '-out', `${name}.pem`);
  }
  const path = (name: string): string => join(folder, name);
  const port = await freePort();
  const server = await openRedisServer({
    program: findRedisProgram(process.env['PATH'] ?? '') ?? 'redis-server',
    folder,
    persistent: false,
    args: [
      ...['--tls-port', String(port), '--tls-cert-file', path('server.pem'), '--tls-key-file', path('server.key')],
      ...['--tls-ca-cert-file', path('ca.pem'), '--tls-auth-clients', asksForCertificate ? 'yes' : 'no'],
    ],
  });
  const url = new URL(server.url);
  return {
    url: `rediss://:${url.password}@localhost:${port}`,
    plainUrl: server.url,
    files: { ca: path('ca.pem'), cert: path('client.pem'), key: path('client.key') },
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
