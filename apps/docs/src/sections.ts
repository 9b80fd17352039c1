/** Cuts the HTML of a page into the sections that are searched. */

import type { Section } from './search-options.ts';

const ENTITIES: Readonly<Record<string, string>> = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&amp;': '&' };

export function sectionsOf(page: { readonly file: string; readonly title: string; readonly content: string }): Section[] {
  const parts = page.content.split(/<h[1-3] id="([^"]*)">(.*?)<\/h[1-3]>/s);
  const sections: Section[] = [];
  for (let i = 1; i < parts.length; i += 3) {
    const [id = '', heading = '', text = ''] = parts.slice(i, i + 3);
    const title = plain(heading.replace(/<a class="anchor".*<\/a>/s, ''));
    sections.push({ id: i === 1 ? page.file : `${page.file}#${id}`, title, page: page.title, text: plain(text) });
  }
  return sections;
}

function plain(html: string): string {
  return html
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/&(?:lt|gt|quot|amp);/g, (entity) => ENTITIES[entity] ?? entity)
    .replaceAll(/\s+/g, ' ')
    .trim();
}
