/** For tests: a transport that the test controls. */

import type { OpenRequest, Transport, TransportHandlers, TransportName } from '../src/types.ts';

export interface ScriptedConnection {
  readonly transport: TransportName;
  readonly request: OpenRequest;
  readonly handlers: TransportHandlers;
  /** What `setVisible` was called with. */
  readonly visible: boolean[];
  isClosed: boolean;
}

export interface Script {
  /** All connections that were opened, oldest first. */
  readonly opened: ScriptedConnection[];
  transport(name?: TransportName): Transport;
  /** The newest. */
  last(): ScriptedConnection;
}

export function createScript(): Script {
  const opened: ScriptedConnection[] = [];
  return {
    opened,
    transport: (name = 'websocket') => ({
      name,
      open(request, handlers) {
        const connection: ScriptedConnection = { transport: name, request, handlers, visible: [], isClosed: false };
        opened.push(connection);
        return {
          setVisible: (visible) => void connection.visible.push(visible),
          close() {
            connection.isClosed = true;
          },
        };
      },
    }),
    last() {
      const connection = opened.at(-1);
      if (connection === undefined) throw new Error('nothing was opened yet');
      return connection;
    },
  };
}
