/**
 * For tests: TLS before a plain server on this machine. Only processes that get `caFile` trust its
 * certificate.
 */

import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { TEST_CERTIFICATE, TEST_KEY } from '@qrcast/provider/test/certificate';

export interface TlsFront {
  readonly port: number;
  /** Connections that finished the handshake. */
  connections(): number;
  /** For NODE_EXTRA_CA_CERTS. */
  readonly caFile: string;
  close(): Promise<void>;
}

export async function openTlsFront(insidePort: () => number): Promise<TlsFront> {
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-tls-'));
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, TEST_CERTIFICATE);
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer({ key: TEST_KEY, cert: TEST_CERTIFICATE, ALPNProtocols: ['http/1.1'] }, (outside) => {
    connections++;
    const inside = connect(insidePort(), '127.0.0.1');
    for (const one of [outside, inside]) {
      sockets.add(one);
      one.on('error', () => undefined); // either side may close first
      one.once('close', () => {
        sockets.delete(one);
        for (const end of [outside, inside]) end.destroy();
      });
    }
    outside.pipe(inside).pipe(outside);
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port, // it listens on TCP
    connections: () => connections,
    caFile,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
      await rm(folder, { recursive: true });
    },
  };
}
