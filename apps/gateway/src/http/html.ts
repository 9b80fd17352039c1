/** HTML by template. Every value is escaped, unless it was made by these functions. */

export interface Html {
  readonly html: string;
}

type Part = Html | readonly Html[] | string | number | null;

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

const escaped = (text: string): string => text.replace(/[&<>"']/g, (char) => ESCAPES[char] ?? char);

/** Text and numbers are escaped. Null renders nothing. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { html: strings.map((text, i) => text + render(parts[i] ?? null)).join('') };
}

function render(part: Part): string {
  if (part === null) return '';
  if (typeof part === 'object') return 'html' in part ? part.html : part.map(render).join('');
  return escaped(String(part));
}

/**
 * Renders the part of Markdown that the contract's descriptions use: paragraphs, lists, `code` and
 * **bold**.
 */
export function prose(text: string): Html {
  const blocks = text.split('\n\n').flatMap((block) => {
    const lines = block.split('\n');
    const firstItem = lines.findIndex((line) => line.startsWith('- '));
    if (firstItem === -1) return [html`<p>${inline(block)}</p>`];
    const items = lines.slice(firstItem).map((line) => html`<li>${inline(line.slice(2))}</li>`);
    const before = lines.slice(0, firstItem).join(' ');
    return [...(before === '' ? [] : [html`<p>${inline(before)}</p>`]), html`<ul>${items}</ul>`];
  });
  return html`${blocks}`;
}

export function inline(text: string): Html {
  const parts = text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
    if (part.startsWith('`')) return html`<code>${part.slice(1, -1)}</code>`;
    return part.startsWith('**') ? html`<strong>${part.slice(2, -2)}</strong>` : html`${part}`;
  });
  return html`${parts}`;
}
