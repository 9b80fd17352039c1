/**
 * Every behaviour of the public suites of Engine.IO (revision 4) and Socket.IO (revision 5), in our
 * words and in the order of the suites: the tests of ours that show it, and in what it differs
 * here. Socket.IO's suite repeats most of Engine.IO's; what is repeated is listed once.
 *
 * The suites: `docs/engine.io-protocol/v4-test-suite` and `docs/socket.io-protocol/v5-test-suite`
 * in github.com/socketio/socket.io, before in the repositories engine.io-protocol and
 * socket.io-protocol. They need a server that echoes, pings every 300 ms and admits everybody.
 */

/** The first cells of the table in PROTOCOL, section 5.1, which says what is the case here. */
export const DIFFERENCES = {
  settings: 'the path `/engine.io`, a ping every 300 ms, packets of 1 MB',
  echo: 'an echo of each packet, event or acknowledgement',
  bytes: 'bytes in events, and bytes in answers',
  anonymous: 'anybody may connect, and is sent an event `auth`',
  namespaces: 'a namespace `/custom`',
  disconnect: 'after DISCONNECT the connection stays open',
} as const;

export type Difference = keyof typeof DIFFERENCES;

interface Behaviour {
  readonly what: string;
  /** Titles in the file of the suite below. Empty if nothing of it applies here. */
  readonly shownBy: readonly string[];
  readonly differsIn: readonly Difference[];
}

const row = (what: string, shownBy: readonly string[], ...differsIn: readonly Difference[]): Behaviour => ({ what, shownBy, differsIn });

export const PUBLIC_SUITES: Readonly<Record<string, readonly Behaviour[]>> = {
  'engineio.redis.test.ts': [
    row('polling: a session opens', ['a handshake by polling', 'opens a session'], 'settings'),
    row('polling: a missing or unknown revision gets 400', ['of no or another revision is refused: %s']),
    row('polling: a missing or unknown transport gets 400', ['over no or an unknown transport is refused: %s']),
    row('polling: no session is opened by POST or PUT', ['by %s is refused']),
    row('WebSocket: a session opens, without upgrades', ['a handshake over WebSocket', 'opens a session without upgrades'], 'settings'),
    row('WebSocket: a missing or unknown revision gets none', ['of no or another revision is refused: %s']),
    row('WebSocket: a missing or unknown transport gets none', ['over no or an unknown transport is refused: %s']),
    row('polling: one packet there and back', ['takes a payload of one packet, and answers the next poll'], 'echo'),
    row('polling: several packets there and back', ['takes a payload of several packets, and answers with several'], 'echo'),
    row('polling: text and bytes there and back', ['takes a payload of text and bytes'], 'echo', 'bytes'),
    row('polling: an unknown packet ends the session', ['ends with a packet of no known type']),
    row('polling: a second poll at once ends the session', ['ends with a second poll at the same time']),
    row('polling: a cancelled poll ends the session', ['ends with a poll that is cancelled']),
    row('WebSocket: a text packet there and back', ['takes a text packet, and answers with one'], 'echo'),
    row('WebSocket: bytes there and back', ['bytes that belong to no event'], 'echo', 'bytes'),
    row('WebSocket: an unknown packet ends the session', ['a packet of no known type']),
    row('polling: a close packet ends the session and the poll', ['ends with a close packet, and answers the poll under way']),
    row('WebSocket: a close packet ends the session', ['a close packet']),
    row(
      'an upgrade is probed, ends the poll and is completed',
      ['is probed, ends the poll under way, and goes on over the WebSocket'],
      'echo',
    ),
    row('after an upgrade a poll is refused', ['leaves nothing to poll, and the session goes on'], 'echo'),
    row('after an upgrade another WebSocket is closed', ['leaves no room for a second WebSocket, and the session goes on'], 'echo'),
  ],
  'engineio-heartbeat.redis.test.ts': [
    row('polling: pings and pongs', ['a polled session', 'is pinged at each interval, and stays open while it answers'], 'settings'),
    row('polling: no pong ends the session', ['a polled session', 'is closed when its pong is missing'], 'settings'),
    row(
      'WebSocket: pings and pongs',
      ['a session over WebSocket', 'is pinged at each interval, and stays open while it answers'],
      'settings',
    ),
    row('WebSocket: no pong ends the session', ['a session over WebSocket', 'is closed when its pong is missing'], 'settings'),
    row('a connection without a CONNECT is closed', ['is closed when it does not connect in time']),
  ],
  'socketio-packets.redis.test.ts': [
    row('a CONNECT without a payload', ['no payload', 'with %s is refused with a reason'], 'anonymous'),
    row('a CONNECT with a payload', ['with a ticket joins the main namespace, and is answered with its id before any event'], 'anonymous'),
    row('a CONNECT to another namespace', ['to the namespace %s is refused, with or without a payload: %s'], 'namespaces'),
    row('the same with a payload', ['to the namespace %s is refused, with or without a payload: %s'], 'namespaces'),
    row('a CONNECT to an unknown namespace is refused', ['to the namespace %s is refused, with or without a payload: %s']),
    row('a wrong packet instead of a CONNECT ends the connection', ['that never came: %s instead ends the connection']),
    row(
      'a DISCONNECT from the main namespace',
      ['from the main namespace ends the connection, and the viewer can come again'],
      'disconnect',
    ),
    row('a DISCONNECT from another namespace leaves the main one', [], 'namespaces'),
    row('an event of text', ['without an acknowledgement is done, and not answered'], 'echo'),
    row('an event with bytes', ['with bytes and no acknowledgement is not answered, and the connection goes on'], 'echo', 'bytes'),
    row('an event with an acknowledgement', ['with the acknowledgement %i is answered under that number'], 'echo'),
    row(
      'an event with bytes and an acknowledgement',
      ['with bytes and an acknowledgement is put together, and refused with the reason'],
      'echo',
      'bytes',
    ),
    row('an unknown type of packet ends the connection', ['a wrong packet', 'no known type']),
    row('a payload that is no list ends the connection', ['the type of a payload that is no list']),
    row('a wrong acknowledgement id ends the connection', ['an acknowledgement that is no number']),
  ],
};
