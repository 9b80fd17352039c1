/** For tests: a reverse proxy in front of a gateway, and the access log that it writes. */

import { createServer, type IncomingMessage, request as sendRequest } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

export interface AccessLog {
  readonly url: string;
  /** One line per request, with its method, address, referrer and client. */
  lines(): readonly string[];
  close(): Promise<void>;
}

/** @param targetPort is called for each request, so that the proxy can start before the gateway */
export async function openAccessLog(targetPort: () => number): Promise<AccessLog> {
  const lines: string[] = [];
  const note = ({ method, url, headers }: IncomingMessage): void =>
    void lines.push(`${method} ${url} "${headers.referer ?? '-'}" "${headers['user-agent'] ?? '-'}" "${headers.origin ?? '-'}"`);

  const server = createServer((near, answer) => {
    note(near);
    const far = sendRequest({ host: '127.0.0.1', port: targetPort(), method: near.method, path: near.url, headers: near.headers });
    far.on('response', (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
      response.on('error', () => answer.destroy());
    });
    far.on('error', () => answer.destroy()); // the gateway is gone, so the caller's connection ends as well
    answer.on('close', () => far.destroy());
    near.pipe(far);
  });
  server.on('upgrade', (near, socket, head) => {
    note(near);
    const far = connect(targetPort(), '127.0.0.1');
    const pairs = Array.from({ length: near.rawHeaders.length / 2 }, (_, i) => `${near.rawHeaders[2 * i]}: ${near.rawHeaders[2 * i + 1]}`);
    far.write(`${near.method} ${near.url} HTTP/1.1\r\n${pairs.join('\r\n')}\r\n\r\n`);
    far.write(head);
    far.pipe(socket).pipe(far);
    for (const [one, other] of [
      [far, socket],
      [socket, far],
    ] as const) {
      one.on('error', () => undefined); // the other end sees a close
      one.on('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    url: `http://127.0.0.1:${port}`,
    lines: () => lines,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
