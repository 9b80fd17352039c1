/**
 * The words with which Redis begins its error replies, and what each one asks of a connection.
 *
 *   this connection leads to the wrong or an unready server    reconnect
 *   the server accepts no writes now                           wait; a reconnect changes nothing
 */

/** Each of them says that the server is, or has become, a replica. */
const REPLICA_WORDS: ReadonlySet<string> = new Set(['READONLY', 'MASTERDOWN', 'UNBLOCKED']);
const RECONNECT_WORDS: ReadonlySet<string> = new Set([...REPLICA_WORDS, 'LOADING', 'NOAUTH']);

/** Is another connection likely to lead to the master? Then all connections have to move there. */
export const namesReplica = (word: string): boolean => REPLICA_WORDS.has(word);
export const asksForReconnect = (word: string): boolean => RECONNECT_WORDS.has(word);

/** The first word of an error reply. Null if Redis did not send this error. It holds no secret. */
export function errorWord(error: unknown): string | null {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return null;
  return /^[A-Z]+(?=\s|$)/.exec(error.message)?.[0] ?? 'ERR';
}
