/**
 * Origins of pages that may use a ticket, in one form: that of the header `Origin` (RFC 6454), with
 * names as in DNS. Every list, ticket, header and policy is compared in this form.
 *
 * Pages of apps and of browser extensions have schemes of their own: `capacitor://localhost`,
 * `tauri://localhost`, `chrome-extension://<id>`. Pages of `file:`, `data:` and the like have no
 * origin that could be named, so these schemes are refused.
 */

import { invisibleFault } from './invisible.ts';

const EXAMPLE = 'expected an origin like https://app.example.com';
const MAX_CHARACTERS = 256;

export type OriginReading =
  | { readonly kind: 'origin'; readonly origin: string }
  /** Why it was refused. Holds nothing of the text. */
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
/** The name of an app. No URL parser normalises such names, so only plain ones are accepted. */
const APP_HOST = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*(:[1-9][0-9]{0,4})?$/;
/**
 * A host that may be written into a policy header. Nothing in it can be read as more than a host.
 */
const HOST = /^([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])$/;

/** Reads an entry of an operator's or a tenant's list. */
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
 * The one form of an `Origin` header, or of an entry that was stored before. Null if the text is
 * not an origin, like the word `null`.
 */
export function originOf(text: string): string | null {
  const reading = readOrigin(text.replace(/\/$/, ''));
  return reading.kind === 'origin' ? reading.origin : null;
}

function readWeb(text: string, rest: string): OriginReading {
  // The URL parser ignores these characters, and could find another host than a person does.
  if (/[\\%\s]/.test(rest) || /:$/.test(rest)) return refused(`${EXAMPLE}, without anything but a name and a port`);
  const url = URL.parse(text);
  if (url === null) return refused(`${EXAMPLE}; this name or port is not valid`);
  const name = url.hostname.replace(/\.$/, '');
  if (!HOST.test(name)) return refused(`${EXAMPLE}; this name is not valid`);
  return { kind: 'origin', origin: `${url.protocol}//${name}${url.port === '' ? '' : `:${url.port}`}` };
}

function readApp(scheme: string, host: string): OriginReading {
  if (NO_ORIGIN.has(scheme)) return refused(`${EXAMPLE}, or of an app like capacitor://localhost; pages of ${scheme}: have no origin`);
  if (!APP_HOST.test(host)) return refused(`${EXAMPLE}, or of an app like capacitor://localhost or chrome-extension://<id>`);
  return { kind: 'origin', origin: `${scheme}://${host}` };
}

const refused = (rule: string): OriginReading => ({ kind: 'refused', rule });
