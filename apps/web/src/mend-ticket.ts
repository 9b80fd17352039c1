/**
 * Finds the ticket in a link that was damaged on the way. Mail programs wrap links and add
 * parameters, messengers include the full stop after a link, and word processors turn two hyphens
 * into a dash. A ticket has a known shape, by which it is found. Its content is not read.
 */

/**
 * A JSON Web Token signed with HS256 (RFC 7515). The length of its last part is known, so the end
 * is found.
 */
const SHAPE = /eyJ[\w-]+\.[\w-]+\.[\w-]{43}/;
/** An HTML tag, where an editor broke the link. Too short to be a ticket in angle brackets. */
const TAG = /<\/?[a-z][^<>]{0,40}>/gi;
/** `%2520` is a space, encoded twice. */
const MAX_DECODINGS = 3;

/**
 * @param fragment without its `#`
 * @returns the ticket, or the unchanged fragment if it contains no complete ticket
 */
export function mendTicket(fragment: string): string {
  const plain = decoded(fragment)
    .replace(TAG, '')
    .replace(/&#(\d{1,5});/g, (_, code: string) => String.fromCharCode(Number(code)))
    .replace(/&[a-z]{2,8};/gi, '')
    .normalize('NFKC') // a full-width point
    .replace(/—/g, '--')
    .replace(/[‐‑‒–−]/g, '-');
  return SHAPE.exec(plain.replace(/[^\w.-]/g, ''))?.[0] ?? fragment;
}

/** Decodes `text` as often as it was percent-encoded, at most `MAX_DECODINGS` times. */
export function decoded(text: string): string {
  let now = text;
  for (let i = 0; i < MAX_DECODINGS && now.includes('%'); i++) now = now.replace(/(?:%[0-9a-f]{2})+/gi, decodedRun);
  return now;
}

function decodedRun(run: string): string {
  try {
    return decodeURIComponent(run);
  } catch {
    return ''; // URIError: it encodes no text, so it is not part of the ticket
  }
}
