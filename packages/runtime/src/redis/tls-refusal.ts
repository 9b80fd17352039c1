import { type ConnectionOptions, connect } from 'node:tls';

/**
 * Why a server refuses TLS that it has begun. With TLS 1.3 it says so only after the client has
 * ended its part of the handshake. If the client writes then, the refusal may be lost with the
 * connection. So this connects anew and writes nothing.
 * @returns the error that ended the connection; null if there was none within this time
 */
export function tlsRefusal(server: ConnectionOptions, withinMs: number): Promise<Error | null> {
  return new Promise((resolve) => {
    const socket = connect(server);
    const end = (error: Error | null): void => {
      clearTimeout(late);
      socket.destroy();
      resolve(error);
    };
    const late = setTimeout(() => end(null), withinMs);
    socket
      .on('error', end)
      .on('close', () => end(null))
      .resume();
  });
}
