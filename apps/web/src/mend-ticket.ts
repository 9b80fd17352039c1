/**
 * Links lose their form on the way: mailers wrap them and add their own parameters, messengers take the full stop behind them for a part, and
 * word processors make a dash of two hyphens. A ticket has a shape by which it is found again in all that. What is inside is not looked at.
 */

/** A JSON Web Token signed with HS256 (RFC 7515): the length of its last part is known, so whatever follows is none of it. */
const SHAPE = /eyJ[\w-]+\.[\w-]+\.[\w-]{43}/;
/** Of HTML, as where an editor broke the link: too short to be a ticket in angle brackets. */
const TAG = /<\/?[a-z][^<>]{0,40}>/gi;
/** `%2520` is a space, encoded twice. */
const MAX_DECODINGS = 3;

/** @param fragment without its `#`; @returns it as it is where there is no whole ticket in it */
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

/** As often as it was encoded. */
export function decoded(text: string): string {
  let now = text;
  for (let i = 0; i < MAX_DECODINGS && now.includes('%'); i++) now = now.replace(/(?:%[0-9a-f]{2})+/gi, decodedRun);
  return now;
}

function decodedRun(run: string): string {
  try {
    return decodeURIComponent(run);
  } catch {
    return ''; // URIError: it encodes no text, so it is none of the ticket
  }
}
