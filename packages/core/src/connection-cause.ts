/**
 * Why a server could not be reached, for the person who runs it. The list is open: readers must
 * accept a word that they do not know.
 */

import { z } from 'zod';

export const CONNECTION_CAUSES = {
  dns: 'its name was not resolved, or not in time',
  refused: 'nothing listens at the address and port',
  reset: 'the connection was cut before an answer came',
  tls: 'TLS failed: a certificate that has expired, is self-signed, is for another name or is not trusted, one that is wanted of us, or no TLS at that port',
  timeout: 'it did not connect, or did not answer, in time',
  no_route: 'the network has no way to the address',
  protocol: 'what it answered is no HTTP',
  proxy: 'the proxy of this installation (`QRCAST_CALLBACK_PROXY`) opened no way to it; the log of the worker says why',
  stopped: 'the sender was stopped meanwhile; it is sent again',
  other: 'something else',
} as const;

export type ConnectionCause = keyof typeof CONNECTION_CAUSES;

const WORDS = Object.entries(CONNECTION_CAUSES).map(([cause, words]) => `\`${cause}\`: ${words}`);

/** On the wire and in records. It may be a word of a newer version. */
export const connectionCauseSchema = z.string().meta({
  id: 'ConnectionCause',
  description: `What went wrong on the way. An open list; more words may come. ${WORDS.join('. ')}.`,
  examples: Object.keys(CONNECTION_CAUSES),
});
