/**
 * Which version of a session a caller says it has: `If-None-Match` of a long-poll, `Last-Event-ID`
 * and its spellings of Server-Sent Events.
 *
 * Proxies and clients change these values on the way. A proxy that compresses an answer marks its
 * ETag, weakens it, or both: Apache `"13-gzip"`, Jetty `"13--gzip"`, LiteSpeed `"13;gz"`, nginx
 * `W/"13"`. A mark is at most punctuation and a word that begins with a letter, as often as it
 * comes. A number behind punctuation is none: `"13-14"` is the tag of somebody else.
 */

/**
 * One entity-tag of a list, quoted or bare. Commas may stand between the quotes (RFC 9110, section
 * 8.8.3).
 */
const ENTITY_TAG = /(?:W\/)?"([^"]*)"|([^",\s]+)/gi;
const MARKS = /^(?:[^0-9A-Za-z]{1,3}[A-Za-z][0-9A-Za-z]*)*[^0-9A-Za-z]{0,3}$/;
const VERSION = /^(\d{1,15})(?!\d)/;
/**
 * Around an event's id: `W/"2"`, `id: 2`, `session:2`. A sign or a point before the number makes it
 * none of ours.
 */
const EVENT_ID = /^(?:[A-Za-z][\w-]*[:=/]\s*)?["']?([^"']*)["']?$/;
/** In small letters alone. `evs_last_event_id` is the eventsource-polyfill's. */
const EVENT_ID_NAMES: ReadonlySet<string> = new Set(['lasteventid', 'evslasteventid']);
/**
 * What the eventsource-polyfill adds to every URL: how many bytes it would like to be sent first,
 * for browsers of its day.
 */
const PREAMBLE_NAME = 'evspreamble';
/** Headers and queries are short; this bounds the work for those that are not. */
const MAX_LENGTH = 2_000;

/** What stands between the quotes of each tag, weak or strong. `*` stands for any. */
export function entityTagsOf(header: string | undefined): readonly string[] {
  return [...(header ?? '').slice(0, MAX_LENGTH).matchAll(ENTITY_TAG)].map(
    ([, quoted, bare]) => quoted ?? bare?.replace(/^W\//i, '') ?? '',
  );
}

/**
 * True if this is our tag, whatever marks proxies have put behind it. `ours`: what stands between
 * the quotes.
 */
export function isMarkedTag(tag: string, ours: string): boolean {
  return tag.startsWith(ours) && MARKS.test(tag.slice(ours.length));
}

/**
 * The greatest version in `If-None-Match`; `any` for `*`; null if there is none that we gave.
 * @param latest there is none above it yet: such a number is somebody else's, or of a state that
 *   was lost
 */
export function versionOfTags(header: string | undefined, latest: number): number | 'any' | null {
  const tags = entityTagsOf(header);
  const version = greatest(tags.map(versionOf).filter((told) => told !== null && told <= latest));
  return version ?? (tags.includes('*') ? 'any' : null);
}

/**
 * The version of the last event a caller has seen: the header's if it holds one, else the query's;
 * 0 if it tells none that we gave. A header that came more than once is a list (RFC 9110, section
 * 5.3), of which the greatest counts.
 * @param latest there is none above it yet
 */
export function versionOfLastEvent(header: string | readonly string[] | undefined, fromQuery: string | undefined, latest: number): number {
  const inHeader = String(header ?? '')
    .slice(0, MAX_LENGTH)
    .split(',')
    .map(versionOfEventId);
  const version = greatest(inHeader) ?? versionOfEventId(fromQuery ?? '') ?? 0;
  return version <= latest ? version : 0;
}

/**
 * A query with its last event id under one name, `lastEventId`. Browsers' polyfills cannot send the
 * header to another origin and put it into the URL, under names of their own; some put it there
 * again with each connection. The greatest counts.
 */
export function withOneLastEventId(query: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const plain = (name: string): string => name.toLowerCase().replace(/[^a-z]/g, '');
  const entries = Object.entries(query).filter(([name]) => plain(name) !== PREAMBLE_NAME);
  const others = entries.filter(([name]) => !EVENT_ID_NAMES.has(plain(name)));
  const ids = entries.filter(([name]) => EVENT_ID_NAMES.has(plain(name))).flatMap(([, value]) => value);
  if (ids.length === 0) return Object.fromEntries(others);
  const version = greatest(ids.map((id) => versionOfEventId(String(id)))) ?? 0;
  return { ...Object.fromEntries(others), lastEventId: version > 0 ? String(version) : '' };
}

/** Null if there is none. */
function greatest(versions: readonly (number | null)[]): number | null {
  const known = versions.filter((version) => version !== null);
  return known.length === 0 ? null : Math.max(...known);
}

function versionOfEventId(text: string): number | null {
  const id = EVENT_ID.exec(text.trim().slice(0, MAX_LENGTH))?.[1];
  return id === undefined ? null : versionOf(id);
}

function versionOf(tag: string): number | null {
  const digits = VERSION.exec(tag)?.[1];
  return digits !== undefined && isMarkedTag(tag, digits) ? Number(digits) : null;
}
