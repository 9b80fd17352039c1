/** For tests: a TCP proxy that replaces texts in what the server sends. */

import { connect, createServer, type Socket } from 'node:net';

export interface RewritingProxy {
  readonly port: number;
  close(): Promise<void>;
}

/** A text must not be split over two packets, so it should stand in a short answer. */
export async function openRewritingProxy(
  serverPort: number,
  replacements: readonly (readonly [text: string, by: string])[],
): Promise<RewritingProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(serverPort, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined); // the other side ends with it
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    upstream.setEncoding('latin1').on('data', (text: string) => {
      client.write(
        replacements.reduce((whole, [from, to]) => whole.replaceAll(from, to), text),
        'latin1',
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
