/**
 * Shows a host as people know it: `пример.рф` for `xn--e1afmkfd.xn--p1ai`. A name that could be
 * mistaken for another one is shown in its DNS form, because the person decides by it where to go.
 * So each label must use one script that runs from left to right. A Cyrillic or Greek label whose
 * letters all look Latin (`аррӏе`) must be below a top-level domain of its own script. The rules
 * follow those of browsers: https://chromium.googlesource.com/chromium/src/+/main/docs/idn.md
 */

/** @param host as in `URL.host`, with the port */
export function readableHost(host: string): string {
  const [, name = '', port = ''] = /^(.*?)(:\d+)?$/.exec(host) ?? [];
  const labels = name.split('.');
  if (!labels.some((label) => label.startsWith(PREFIX))) return host;
  const shown = labels.map((label) => (label.startsWith(PREFIX) ? decodeLabel(label.slice(PREFIX.length)) : label));
  const top = shown[shown.length - 1] ?? '';
  const isClear = shown.every((label) => label !== null && isClearLabel(label, top ?? ''));
  const readable = shown.join('.');
  // The readable form must lead back to the same host.
  return isClear && hostnameOf(readable) === name ? readable + port : host;
}

const PREFIX = 'xn--';
const CYRILLIC = /^[\p{Script=Cyrillic}0-9-]+$/u;
const GREEK = /^[\p{Script=Greek}0-9-]+$/u;
/**
 * Latin letters that cannot be mistaken for each other: without the dotless i, the kra and the long
 * s.
 */
const LATIN = /^(?!.*[ıĸŉſ])[a-z0-9\u00DF-\u00F6\u00F8-\u017F-]+$/;
const OTHERS = [
  /^[\p{Script=Armenian}0-9-]+$/u,
  /^[\p{Script=Georgian}0-9-]+$/u,
  /^[\p{Script=Hangul}0-9-]+$/u,
  /^[\p{Script=Devanagari}0-9-]+$/u,
  /^[\p{Script=Thai}0-9-]+$/u,
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー0-9-]+$/u,
];
const LIKE_LATIN = /^[аәԁеһіјӏорԛгсѕԝхуъьҽпѵѡкмтвнёїαβγηικνορτυχω0-9-]+$/;

function isClearLabel(label: string, top: string): boolean {
  if (LATIN.test(label) || OTHERS.some((script) => script.test(label))) return true;
  const script = [CYRILLIC, GREEK].find((one) => one.test(label));
  return script !== undefined && (script.test(top) || !LIKE_LATIN.test(label));
}

/**
 * Decodes Punycode. RFC 3492, section 6.2, with the names used there. Returns null if `encoded` is
 * not valid.
 */
function decodeLabel(encoded: string): string | null {
  const delimiter = encoded.lastIndexOf('-');
  const output = Array.from(encoded.slice(0, Math.max(0, delimiter)), (character) => character.charCodeAt(0));
  let n = 128;
  let i = 0;
  let bias = 72;
  for (let at = delimiter + 1; at < encoded.length; ) {
    const from = i;
    let w = 1;
    for (let k = BASE; ; k += BASE) {
      const digit = Number.parseInt(encoded.charAt(at++), 36);
      if (Number.isNaN(digit)) return null;
      // The standard's digits are a to z and then 0 to 9.
      const value = (digit + 26) % 36;
      i += value * w;
      const t = Math.min(Math.max(k - bias, T_MIN), T_MAX);
      if (value < t) break;
      w *= BASE - t;
    }
    const length = output.length + 1;
    bias = adapt(i - from, length, from === 0);
    n += Math.floor(i / length);
    if (n > 0x10ffff) return null;
    i %= length;
    output.splice(i++, 0, n);
  }
  return String.fromCodePoint(...output);
}

const BASE = 36;
const T_MIN = 1;
const T_MAX = 26;

function adapt(change: number, length: number, isFirst: boolean): number {
  let delta = Math.floor(change / (isFirst ? 700 : 2));
  delta += Math.floor(delta / length);
  let k = 0;
  for (; delta > 455; k += BASE) delta = Math.floor(delta / (BASE - T_MIN));
  return k + Math.floor((36 * delta) / (delta + 38));
}

/** Without `URL.parse`, which the oldest supported browsers lack. */
function hostnameOf(host: string): string | null {
  try {
    return new URL(`https://${host}`).hostname;
  } catch {
    return null; // TypeError: no host
  }
}
