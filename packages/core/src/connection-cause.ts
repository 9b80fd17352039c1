/**
 * Why a server could not be reached, for the person who runs it. The list is open: readers must
 * accept a word that they do not know.
 */

import { z } from 'zod';

export const CONNECTION_CAUSES = {
  dns: 'its name could not be resolved, or not in time',
  refused: 'nothing listens at the address and port',
  reset: 'the connection was cut before an answer came',
  tls: 'TLS failed: its certificate has expired, is self-signed, is for another name or is not trusted; or it requires a client certificate; or the port does not use TLS',
  timeout: 'it could not be connected to, or did not answer, in time',
  no_route: 'the network has no way to the address',
  protocol: 'its answer is not HTTP',
  proxy: 'the proxy of this installation (`QRCAST_CALLBACK_PROXY`) could not connect to it; the log of the worker says why',
  stopped: 'the sender was stopped in the meantime; the message is sent again',
  other: 'any other cause',
} as const;

export type ConnectionCause = keyof typeof CONNECTION_CAUSES;

const WORDS = Object.entries(CONNECTION_CAUSES).map(([cause, words]) => `\`${cause}\`: ${words}`);

/** On the wire and in records. It may be a word of a newer version. */
export const connectionCauseSchema = z.string().meta({
  id: 'ConnectionCause',
  description: `Why the server could not be reached. New words may be added. ${WORDS.join('. ')}.`,
  examples: Object.keys(CONNECTION_CAUSES),
});
