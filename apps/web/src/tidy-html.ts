/**
 * Lit's `html` and `svg`, without the white space between tags. A translator of pages wraps every text node in elements of its own. Lit
 * remembers the node behind each place it fills, and could neither fill nor empty a place whose next node was moved away. Without white
 * space that node is a tag or one of Lit's own comments, which translators leave where they are.
 *
 * For the same reason no text is put between tags: `<p .textContent=${text}></p>` replaces whatever a translator made of the last text.
 */

import { html as litHtml, svg as litSvg, type TemplateResult } from 'lit';

const tidied = new WeakMap<TemplateStringsArray, TemplateStringsArray>();

export function html(strings: TemplateStringsArray, ...values: unknown[]): TemplateResult {
  return litHtml(tidy(strings), ...values);
}

export function svg(strings: TemplateStringsArray, ...values: unknown[]): TemplateResult {
  return litSvg(tidy(strings), ...values) as TemplateResult;
}

/** One array for each template: Lit knows a template by it. */
function tidy(strings: TemplateStringsArray): TemplateStringsArray {
  const known = tidied.get(strings);
  if (known !== undefined) return known;
  const last = strings.length - 1;
  const parts = strings.map((part, i) => {
    const inner = part
      .replace(/>\s+</g, '><')
      .replace(/^\s+<|^\s*\n\s*$/, (space) => space.trim())
      .replace(/>\s+$/, '>');
    return i === 0 ? inner.trimStart() : i === last ? inner.trimEnd() : inner;
  });
  // As the engine makes them for a tagged template.
  const result: TemplateStringsArray = Object.freeze(Object.assign(parts, { raw: Object.freeze([...parts]) }));
  tidied.set(strings, result);
  return result;
}
