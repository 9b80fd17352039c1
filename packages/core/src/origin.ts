/**
 * Origins of pages that may use a ticket, in one form: as `Origin` has them (RFC 6454), with names
 * as DNS has them. Every list, ticket, header and policy is compared in this form alone.
 *
 * Beside web pages there are pages of apps and of browser extensions, whose schemes are their own:
 * `capacitor://localhost`, `tauri://localhost`, `chrome-extension://<id>`. Schemes whose pages have
 * no origin that could be told (`file:`, `data:`) are none of them.
 */

import { invisibleFault } from './invisible.ts';

const EXAMPLE = 'expected an origin like https://app.example.com';
const MAX_CHARACTERS = 256;

export type OriginReading =
  | { readonly kind: 'origin'; readonly origin: string }
  /** Why not, in words that hold nothing of it. */
  | { readonly kind: 'refused'; readonly rule: string };

const PARTS = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is;
const NO_ORIGIN: ReadonlySet<string> = new Set([
  'about',
  'blob',
  'data',
  'file',
  'filesystem',
  'ftp',
  'javascript',
  'view-source',
  'ws',
  'wss',
]);
/** What an app calls itself. No URL parser normalises these, so nothing unusual is taken. */
const APP_HOST = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*(:[1-9][0-9]{0,4})?$/;
/**
 * What may stand in a header that lists sources: nothing that a policy would read as more than a
 * host.
 */
const HOST = /^([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])$/;

/** Reads what an operator or a tenant lists. */
export function readOrigin(text: string): OriginReading {
  const unseen = invisibleFault(text);
  if (unseen !== null) return refused(unseen);
  if (text.length > MAX_CHARACTERS) return refused(`${EXAMPLE}, of at most ${MAX_CHARACTERS} characters`);
  if (text === 'null') return refused(`${EXAMPLE}; null is what all pages without an origin send, so it names none`);
  if (text.includes('*')) return refused(`${EXAMPLE}, without *; list each origin, or none to allow all`);
  const [, scheme = '', rest = ''] = PARTS.exec(text) ?? [];
  if (scheme === '') return refused(`${EXAMPLE}, with its scheme before ://`);
  if (/[/?#]/.test(rest)) return refused(`${EXAMPLE}, without a path, a query, a fragment or a slash at its end`);
  if (rest.includes('@')) return refused(`${EXAMPLE}, without a user`);
  return /^https?$/i.test(scheme) ? readWeb(text, rest) : readApp(scheme.toLowerCase(), rest.toLowerCase());
}

/**
 * The one form of an `Origin` header, or of an entry that was stored before; null if it is none, as
 * `null` is.
 */
export function originOf(text: string): string | null {
  const reading = readOrigin(text.replace(/\/$/, ''));
  return reading.kind === 'origin' ? reading.origin : null;
}

function readWeb(text: string, rest: string): OriginReading {
  // The parser would read around these, and find another host than a person does.
  if (/[\\%\s]/.test(rest) || /:$/.test(rest)) return refused(`${EXAMPLE}, without anything but a name and a port`);
  const url = URL.parse(text);
  if (url === null) return refused(`${EXAMPLE}; this name or port is none`);
  const name = url.hostname.replace(/\.$/, '');
  if (!HOST.test(name)) return refused(`${EXAMPLE}; this name is none`);
  return { kind: 'origin', origin: `${url.protocol}//${name}${url.port === '' ? '' : `:${url.port}`}` };
}

function readApp(scheme: string, host: string): OriginReading {
  if (NO_ORIGIN.has(scheme)) return refused(`${EXAMPLE}, or of an app like capacitor://localhost; pages of ${scheme}: have no origin`);
  if (!APP_HOST.test(host)) return refused(`${EXAMPLE}, or of an app like capacitor://localhost or chrome-extension://<id>`);
  return { kind: 'origin', origin: `${scheme}://${host}` };
}

const refused = (rule: string): OriginReading => ({ kind: 'refused', rule });
