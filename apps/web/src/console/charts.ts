/**
 * Small charts. Each is drawn from shares that a model worked out, and is hidden from screen readers: a
 * table beside it says the same. Sizes are attributes, because the policy allows no inline style.
 */

import { nothing } from 'lit';
import { html, type Markup, svg } from '../tidy-html.ts';

/** A bar in a cell of a table. @param share from 0 to 1 */
export function bar(share: number, tone = 'accent'): Markup {
  return html`<svg class="bar" aria-hidden="true" width="100%" height="10">
    <rect class="track" width="100%" height="10" rx="5" /><rect class=${tone} width=${`${(share * 100).toFixed(2)}%`} height="10" rx="5" />
  </svg>`;
}

export interface Stack {
  readonly label: string;
  /** From the bottom, with the same scale for all. */
  readonly parts: readonly { readonly value: number; readonly tone: string }[];
}

const HEIGHT = 120;
const WIDTH = 600;
const MOST_LABELS = 7;

/** Columns of equal width. @param top the value that fills the height; */
export function columns(stacks: readonly Stack[], top: number, topLabel: string): Markup {
  const step = WIDTH / Math.max(1, stacks.length);
  const every = spacingOf(stacks.length);
  return html`<div class="chart" aria-hidden="true">
    <p class="top" .textContent=${topLabel}></p>
    <svg viewBox="0 0 600 120" preserveAspectRatio="none">
      <line class="grid" x1="0" x2="600" y1="0.5" y2="0.5" /><line class="grid" x1="0" x2="600" y1="60" y2="60" />
      <line class="grid" x1="0" x2="600" y1="119.5" y2="119.5" />
      ${stacks.map((stack, i) => stackTemplate(stack, i * step + step * 0.14, step * 0.72, top))}
    </svg>
    <div class="axis">
      ${stacks.map(({ label }, i) => (i % every === 0 ? html`<span .textContent=${label}></span>` : nothing))}
    </div>
  </div>`;
}

/** Every how many columns has a label, so that all labels have the same width. */
function spacingOf(count: number): number {
  let every = Math.max(1, Math.ceil(count / MOST_LABELS));
  while (count % every > 0) every++;
  return every;
}

function stackTemplate({ parts }: Stack, x: number, width: number, top: number): Markup {
  let y = HEIGHT;
  return svg`<g>${parts.map(({ value, tone }) => {
    const height = top === 0 ? 0 : (value / top) * HEIGHT;
    y -= height;
    return height === 0
      ? nothing
      : svg`<rect class=${tone} x=${x.toFixed(1)} y=${y.toFixed(1)} width=${width.toFixed(1)} height=${height.toFixed(1)} />`;
  })}</g>`;
}

export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly tone: string;
}

/** A line of time, from 0 to 1, with marks above it. */
export function timeBar(stretches: readonly Stretch[], marks: readonly number[], label: string): Markup {
  return html`<svg class="time" role="img" aria-label=${label} viewBox="0 0 1000 40" preserveAspectRatio="none">
    ${stretches.map(({ from, to, tone }) => svg`<rect class=${tone} x=${(from * 1_000).toFixed(1)} y="12" width=${Math.max(2, (to - from) * 1_000).toFixed(1)} height="20" />`)}
    ${marks.map((at) => svg`<line class="tick" x1=${(at * 1_000).toFixed(1)} x2=${(at * 1_000).toFixed(1)} y1="4" y2="40" />`)}
  </svg>`;
}
