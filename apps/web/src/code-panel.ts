/** The code in its frame, or the frame where it will appear, and how to scan it. */

import { nothing } from 'lit';
import { guard } from 'lit/directives/guard.js';
import { drawCode } from './draw-code.ts';
import type { Texts } from './texts.ts';
import { html, type Markup, svg } from './tidy-html.ts';
import type { Body, CodeBody } from './view.ts';

export type PanelBody = Extract<Body, { readonly kind: 'code' | 'skeleton' }>;

/** A path round the frame. It begins in the middle of the upper side. */
const RING = 'M50 .8H91.2A8 8 0 0 1 99.2 8.8V91.2A8 8 0 0 1 91.2 99.2H8.8A8 8 0 0 1 .8 91.2V8.8A8 8 0 0 1 8.8 .8Z';

export function codePanel(body: PanelBody, texts: Texts): Markup {
  const code = body.kind === 'code' ? body : null;
  const below = body.kind === 'code' ? texts.validFor(body.secondsLeft) : body.note;
  return html`
    <div class="scan">
      <div class="frame" part="frame" translate="no">
        <svg class="ring" part="countdown" viewBox="0 0 100 100" aria-hidden="true">
          <path class="track" d=${RING} />
          ${code === null ? nothing : left(code.share)}
        </svg>
        ${code === null ? skeleton() : picture(code, texts)}
      </div>
      <p class="seconds" aria-hidden="true" .textContent=${below}></p>
      ${code?.link == null ? nothing : openHere(code.link, texts)}
      ${code?.note == null ? nothing : html`<p class="note" .textContent=${code.note}></p>`}
    </div>
    <div class="how">
      <ol class="steps" part="steps">
        ${texts.steps.map((step) => html`<li><span .textContent=${step}></span></li>`)}
      </ol>
      <p class="caution" .textContent=${texts.caution}></p>
    </div>
  `;
}

/** Draws the code from its text. If the text is not known, shows the provider's picture. */
function picture({ text, image }: CodeBody, texts: Texts): unknown {
  return guard([text, image, texts], () => {
    const drawn = text === null ? null : drawCode(text);
    if (drawn === null) {
      const source = image ?? nothing;
      return html`<div class="paper"><img id="code" class="given" part="code" src=${source} alt=${texts.codeAlt} draggable="false" /></div>`;
    }
    const { modules, path } = drawn;
    // Set as a property (CSSOM), because the page's policy may forbid a style attribute.
    return html`<div class="paper" .style=${`--modules: ${modules}`}>
      <svg id="code" part="code" viewBox="0 0 ${modules} ${modules}" role="img" aria-label=${texts.codeAlt}>
        <path class="light" d="M0 0h${modules}v${modules}h-${modules}z" />
        <path class="dark" d=${path} />
      </svg>
    </div>`;
  });
}

function left(share: number): Markup {
  return svg`<path class="left" d=${RING} pathLength="100" stroke-dashoffset=${(100 * (1 - share)).toFixed(1)} />`;
}

const CORNERS = [
  [0, 0],
  [20, 0],
  [0, 20],
] as const;

/** The outline of a code, shown while there is none. */
function skeleton(): Markup {
  return html`<svg class="skeleton" viewBox="0 0 29 29" aria-hidden="true">
    ${CORNERS.map(
      ([x, y]) => svg`<g transform="translate(${x} ${y})">
        <rect class="hollow" x="1" y="1" width="7" height="7" rx="1.6" /><rect x="3" y="3" width="3" height="3" rx=".8" />
      </g>`,
    )}
    <path d="M12 1h3v3h-3zM16 5h2v3h-2zM12 9h3v2h-3zM1 12h3v3h-3zM6 13h4v2h-4zM12 13h4v4h-4zM19 12h3v2h-3zM25 13h3v3h-3zM17 18h3v3h-3zM12 20h3v3h-3zM22 19h3v3h-3zM13 25h4v3h-4zM19 24h3v3h-3zM25 24h3v3h-3z" />
  </svg>`;
}

/**
 * Shown on phones only (see the style), because nobody can scan the screen in their own hand. It
 * opens a new tab, so that this page stays open to show the outcome.
 */
function openHere(link: string, texts: Texts): Markup {
  return html`<a
    class="button here"
    part="button"
    href=${link}
    target="_blank"
    rel="noopener noreferrer"
    .textContent=${texts.openHere}
  ></a>`;
}
