/** A card with new secrets. */

import { html, type Markup } from '../tidy-html.ts';
import { button } from './parts.ts';
import type { Secrets } from './secrets-keeper.ts';
import type { ConsoleTexts } from './texts.ts';

interface Handlers {
  readonly copy: (name: string, value: string) => Promise<void>;
  readonly hide: () => void;
}

export function secretsTemplate(
  { id, title, values }: Secrets,
  copied: string | null,
  texts: ConsoleTexts['tenants'],
  { copy, hide }: Handlers,
): Markup {
  const names = Object.keys(texts.secrets) as (keyof typeof texts.secrets)[];
  const shown = names.flatMap((name) => (typeof values[name] === 'string' ? [[name, values[name]] as const] : []));
  return html`<section class="card secrets" id=${id} tabindex="-1" aria-labelledby=${`${id}-title`}>
    <h2 id=${`${id}-title`} .textContent=${`${texts.secretsTitle}: ${title}`}></h2>
    <p class="lead" .textContent=${texts.secretsNote}></p>
    <dl>${shown.map(
      ([name, value]) => html`<div class="row">
        <dt .textContent=${texts.secrets[name]}></dt><dd class="id" translate="no" .textContent=${value}></dd>
        <dd>${button(copied === name ? texts.copied : texts.copy, () => void copy(name, value), { name: texts.copyLabel(texts.secrets[name]) })}</dd>
      </div>`,
    )}</dl>
    ${button(texts.hide, hide)}
  </section>`;
}
