import { describe, expect, it } from 'vitest';
import { openRecorded } from '../../test/peer.ts';
import { SERVER, showing } from '../../test/session.ts';
import { LOST } from '../closed.ts';
import type { OpenRequest } from '../types.ts';
import { type SocketIoSettings, type SocketIoSocket, socketIo } from './socket-io.ts';

/** The used part of socket.io-client. The gateway's tests use the real one. */
function open(request: Partial<OpenRequest> = {}, transports?: 'websocket'[]) {
  const listeners = new Map<string, (body: unknown) => void>();
  const asked: { url: string; settings: SocketIoSettings }[] = [];
  const emitted: unknown[] = [];
  let disconnects = 0;
  let isConnected = false;
  const socket: SocketIoSocket = {
    on: (event, listener) => listeners.set(event, listener),
    emit: (event, body) => emitted.push([event, body]),
    disconnect() {
      disconnects++;
      isConnected = false;
    },
    get connected() {
      return isConnected;
    },
  };
  const transport = socketIo((url, settings) => {
    asked.push({ url, settings });
    return socket;
  }, transports);
  const client = openRecorded(transport, { url: 'https://qrcast.example.com', ...request });
  return {
    client,
    asked,
    emitted,
    disconnects: () => disconnects,
    receive(event: string, body?: unknown) {
      if (event === 'connect') isConnected = true;
      listeners.get(event)?.(body);
    },
  };
}

describe('Socket.IO', () => {
  it('sends the ticket in the handshake, and leaves reconnecting to the watch', () => {
    const { asked } = open({ after: 6, formats: ['text'] });
    expect(asked).toEqual([
      {
        url: 'https://qrcast.example.com',
        settings: {
          auth: { ticket: 'the-ticket', formats: ['text'], after: 6 },
          path: '/socket.io',
          query: { affinity: expect.stringMatching(/^[a-z0-9]+$/) },
          forceNew: true,
          reconnection: false,
          tryAllTransports: true,
          transports: ['polling', 'websocket'],
        },
      },
    ]);
    const other = open({}).asked[0]?.settings;
    expect(other?.auth).toEqual({ ticket: 'the-ticket' });
    expect(other?.query).not.toEqual(asked[0]?.settings.query);
  });

  it('finds the gateway below a path, over the given transports', () => {
    const { asked } = open({ url: 'https://example.com/qrcast' }, ['websocket']);
    expect(asked[0]).toMatchObject({ url: 'https://example.com', settings: { path: '/qrcast/socket.io', transports: ['websocket'] } });
  });

  it('reports messages, and drops unknown ones', async () => {
    const { client, receive } = open();
    receive('connect');
    receive('session', showing(1));
    receive('session', { id: 'ses_1' });
    receive('fresh', { id: 'ses_1', version: 2, staleAt: SERVER });
    receive('fresh', null);
    expect(client.told).toEqual(['open', 'session 1', 'fresh 2']);
  });

  it('sends the visibility with the handshake, and each change when it is connected', () => {
    const { client, receive, emitted, asked } = open({ visible: false });
    expect(asked[0]?.settings.auth).toEqual({ ticket: 'the-ticket', visible: false });
    client.connection.setVisible(false);
    expect(emitted).toEqual([]);
    receive('connect');
    client.connection.setVisible(true);
    expect(emitted).toEqual([['visible', { visible: true }]]);
    const changed = open({ visible: false });
    changed.client.connection.setVisible(true); // before it is connected
    changed.receive('connect');
    expect(changed.emitted).toEqual([['visible', { visible: true }]]);
  });

  it('ends with the closing event of the gateway, and disconnects', async () => {
    const { client, receive, disconnects } = open();
    receive('connect');
    receive('draining', { retryAfterMs: 300 });
    receive('closing', { code: 'draining', number: 1012, retryable: true, retryAfterMs: 327 });
    receive('disconnect', 'io server disconnect');
    expect(await client.closed).toEqual({ code: 'draining', detail: null, retryable: true, retryAfterMs: 327 });
    expect([client.told, disconnects()]).toEqual([['open', 'closed'], 1]);
  });

  it('ends with the hint if only that was sent, and without a reason if nothing was', async () => {
    const drained = open();
    drained.receive('draining', { retryAfterMs: 300 });
    drained.receive('disconnect', 'transport close');
    expect(await drained.client.closed).toMatchObject({ code: 'draining', retryAfterMs: 300 });
    const cut = open();
    cut.receive('disconnect', 'ping timeout');
    expect(await cut.client.closed).toEqual(LOST);
  });

  it('ends with the reason of a refused handshake, and without one if no gateway answered', async () => {
    const refused = open();
    refused.receive('connect_error', Object.assign(new Error(), { data: { code: 'forbidden', detail: 'why', retryable: false } }));
    expect(await refused.client.closed).toEqual({ code: 'forbidden', detail: 'why', retryable: false, retryAfterMs: 0 });
    const unreachable = open();
    unreachable.receive('connect_error', new Error('xhr poll error'));
    expect(await unreachable.client.closed).toEqual(LOST);
  });

  it('reports nothing after close()', () => {
    const { client, receive, disconnects } = open();
    client.connection.close();
    receive('disconnect', 'io client disconnect');
    expect([client.told, disconnects()]).toEqual([[], 1]);
  });
});
