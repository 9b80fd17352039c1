/**
 * Which version of a session a caller says that it has. A long-poll says it with `If-None-Match`,
 * Server-Sent Events with `Last-Event-ID` and its spellings.
 *
 * A caller may say a version above the session's own. It was told that one before Redis lost data,
 * so the session is renumbered above it (renumber.ts). A number that nobody can have been told is
 * another server's.
 *
 * Proxies and clients change these values on the way. A proxy that compresses an answer marks its
 * ETag, weakens it, or both: Apache `"13-gzip"`, Jetty `"13--gzip"`, LiteSpeed `"13;gz"`, nginx
 * `W/"13"`. A mark is punctuation and a word that begins with a letter, and there may be several.
 * Punctuation and a number are not a mark: `"13-14"` is the tag of another server.
 */

/**
 * One entity-tag of a list, quoted or bare. Commas may stand between the quotes (RFC 9110, section
 * 8.8.3).
 */
const ENTITY_TAG = /(?:W\/)?"([^"]*)"|([^",\s]+)/gi;
const MARKS = /^(?:[^0-9A-Za-z]{1,3}[A-Za-z][0-9A-Za-z]*)*[^0-9A-Za-z]{0,3}$/;
const VERSION = /^(\d{1,15})(?!\d)/;
/**
 * What clients put around an event's id: `W/"2"`, `id: 2`, `session:2`. With a sign or a point
 * before the number it is not our id.
 */
const EVENT_ID = /^(?:[A-Za-z][\w-]*[:=/]\s*)?["']?([^"']*)["']?$/;
/** Compared by their small letters alone. `evs_last_event_id` is the eventsource-polyfill's. */
const EVENT_ID_NAMES: ReadonlySet<string> = new Set(['lasteventid', 'evslasteventid']);
/**
 * The eventsource-polyfill adds this to every URL. It asks for a number of bytes to be sent first,
 * for the browsers of its day.
 */
const PREAMBLE_NAME = 'evspreamble';
/**
 * Headers and queries are short. This bounds the work for those that are not. Only what ends within
 * it is read: the beginning of `"13"` is another version.
 */
const MAX_LENGTH = 2_000;

/** The text between the quotes of each tag, weak or strong. `*` stands for any tag. */
export function entityTagsOf(header: string | undefined): readonly string[] {
  const tags: string[] = [];
  for (const { 0: whole, 1: quoted, 2: bare, index } of (header ?? '').matchAll(ENTITY_TAG)) {
    if (index + whole.length > MAX_LENGTH) break;
    tags.push(quoted ?? bare?.replace(/^W\//i, '') ?? '');
  }
  return tags;
}

/**
 * True if this is our tag, whatever marks proxies have put behind it. `ours` is the text between
 * its quotes.
 */
export function isMarkedTag(tag: string, ours: string): boolean {
  return tag.startsWith(ours) && MARKS.test(tag.slice(ours.length));
}

/**
 * The greatest version in `If-None-Match`, `any` for `*`, or null if it has none that we gave.
 * @param greatest that anybody can have been told (renumber.ts)
 */
export function versionOfTags(header: string | undefined, greatest: number): number | 'any' | null {
  const tags = entityTagsOf(header);
  const version = newest(tags.map((tag) => possible(versionOf(tag), greatest)));
  return version ?? (tags.includes('*') ? 'any' : null);
}

/**
 * The version of the last event that a caller has seen: from the header if it has one, else from
 * the query. 0 if neither has one that we gave. A header that came more than once is a list (RFC
 * 9110, section 5.3), of which the greatest counts.
 * @param greatest that anybody can have been told (renumber.ts)
 */
export function versionOfLastEvent(
  header: string | readonly string[] | undefined,
  fromQuery: string | undefined,
  greatest: number,
): number {
  const list = String(header ?? '');
  const read = list.length > MAX_LENGTH ? list.slice(0, Math.max(0, list.lastIndexOf(',', MAX_LENGTH))) : list;
  const inHeader = read.split(',').map(versionOfEventId);
  return possible(newest(inHeader) ?? versionOfEventId(fromQuery ?? ''), greatest) ?? 0;
}

/**
 * The query with its last event id under one name, `lastEventId`. Polyfills in browsers cannot send
 * the header to another origin, so they put the id into the URL under names of their own. Some add
 * it again with each connection. The greatest counts.
 */
export function withOneLastEventId(query: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const plain = (name: string): string => name.toLowerCase().replace(/[^a-z]/g, '');
  const entries = Object.entries(query).filter(([name]) => plain(name) !== PREAMBLE_NAME);
  const others = entries.filter(([name]) => !EVENT_ID_NAMES.has(plain(name)));
  const ids = entries.filter(([name]) => EVENT_ID_NAMES.has(plain(name))).flatMap(([, value]) => value);
  if (ids.length === 0) return Object.fromEntries(others);
  const version = newest(ids.map((id) => versionOfEventId(String(id)))) ?? 0;
  return { ...Object.fromEntries(others), lastEventId: version > 0 ? String(version) : '' };
}

/** The version that a caller says it was told; 0 if nobody can have been told it. */
export const knownVersion = (told: number, greatest: number): number => possible(told, greatest) ?? 0;

/** Null if the number cannot be a version that the session has had. */
const possible = (version: number | null, greatest: number): number | null => (version !== null && version <= greatest ? version : null);

/** Null if no version is known. */
function newest(versions: readonly (number | null)[]): number | null {
  const known = versions.filter((version) => version !== null);
  return known.length === 0 ? null : Math.max(...known);
}

function versionOfEventId(text: string): number | null {
  const trimmed = text.trim();
  const id = trimmed.length > MAX_LENGTH ? undefined : EVENT_ID.exec(trimmed)?.[1];
  return id === undefined ? null : versionOf(id);
}

function versionOf(tag: string): number | null {
  const digits = VERSION.exec(tag)?.[1];
  return digits !== undefined && isMarkedTag(tag, digits) ? Number(digits) : null;
}
