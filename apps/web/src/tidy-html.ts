/**
 * `html` and `svg` for Lit, without the white space between tags. A page translator wraps every
 * text node in elements of its own. Lit remembers the node after each part that it fills, and can
 * neither fill nor empty a part whose next node was moved. Without white space that node is a tag
 * or one of Lit's own comments, which translators do not move.
 *
 * For the same reason no text is put between tags. `<p .textContent=${text}></p>` replaces whatever
 * a translator made of the previous text.
 */

import type { CompiledTemplate, CompiledTemplateResult } from 'lit';
import { parseTemplate } from './parse-template.ts';

export type Markup = CompiledTemplateResult;

/** One compiled template for each source, because Lit compares templates by identity. */
const parsed = new WeakMap<TemplateStringsArray, CompiledTemplate>();

export function html(strings: TemplateStringsArray, ...values: unknown[]): Markup {
  return { _$litType$: templateOf(strings, false), values };
}

/** For content of an `<svg>`. */
export function svg(strings: TemplateStringsArray, ...values: unknown[]): Markup {
  return { _$litType$: templateOf(strings, true), values };
}

function templateOf(strings: TemplateStringsArray, isSvg: boolean): CompiledTemplate {
  const known = parsed.get(strings);
  if (known !== undefined) return known;
  const template = parseTemplate(tidy(strings), isSvg);
  parsed.set(strings, template);
  return template;
}

function tidy(strings: TemplateStringsArray): TemplateStringsArray {
  const last = strings.length - 1;
  const parts = strings.map((part, i) => {
    const inner = part
      .replace(/>\s+</g, '><')
      .replace(/^\s+<|^\s*\n\s*$/, (space) => space.trim())
      .replace(/>\s+$/, '>');
    return i === 0 ? inner.trimStart() : i === last ? inner.trimEnd() : inner;
  });
  // In the form that the engine passes to a tagged template.
  return Object.freeze(Object.assign(parts, { raw: Object.freeze([...parts]) }));
}
