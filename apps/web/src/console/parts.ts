/** Parts that several views share. */

import { nothing } from 'lit';
import { html, type Markup } from '../tidy-html.ts';
import { type Failure, waitOf } from './api.ts';
import type { Words } from './screen.ts';

export function heading(title: string, lead: string, aside: unknown = nothing): Markup {
  return html`<div class="heading">
    <div><h1 id="title" tabindex="-1" .textContent=${title}></h1><p class="lead" .textContent=${lead}></p></div>
    ${aside}
  </div>`;
}

/**
 * What went wrong, and what to do. `onAgain` is not called before the time that the gateway has named.
 * That time counts down outside of the alert, or a screen reader would read the alert each second.
 */
export function failureNote(failure: Failure, { texts, format }: Pick<Words, 'texts' | 'format'>, onAgain: (() => void) | null): Markup {
  const { title, todo } = texts.troubles[failure.trouble];
  const wait = waitOf(failure, Date.now());
  return html`<div class="note bad">
    <div role="alert">
      <strong .textContent=${title}></strong>
      ${failure.detail === null ? nothing : html`<p lang="en" class="said" .textContent=${failure.detail}></p>`}
      <p .textContent=${todo}></p>
    </div>
    ${wait === 0 ? nothing : html`<p class="wait" .textContent=${texts.waits(format.countdown(wait))}></p>`}
    ${onAgain === null ? nothing : button(texts.again, onAgain, { isIdle: wait > 0 })}
  </div>`;
}

/** @param isIdle the button can be reached and read, but does nothing now */
export function button(label: string, onClick: () => void, { style = 'quiet', name = '', pressed = '', isIdle = false } = {}): Markup {
  return html`<button
    type="button"
    class="button ${style}"
    aria-label=${name === '' ? nothing : name}
    aria-pressed=${pressed === '' ? nothing : pressed}
    aria-disabled=${isIdle ? 'true' : nothing}
    @click=${() => (isIdle ? undefined : onClick())}
    .textContent=${label}
  ></button>`;
}

/** Buttons of which one is chosen. */
export function choice<T extends string>(
  label: string,
  options: readonly (readonly [T, string])[],
  chosen: T,
  onChoose: (value: T) => void,
): Markup {
  const buttons = options.map(([value, words]) =>
    button(words, () => onChoose(value), { style: 'choice', pressed: String(value === chosen) }),
  );
  return html`<div class="choices" role="group" aria-label=${label}>${buttons}</div>`;
}

export function select(
  id: string,
  label: string,
  options: readonly (readonly [string, string])[],
  value: string,
  onChange: (value: string) => void,
): Markup {
  const change = ({ target }: Event): void => onChange((target as HTMLSelectElement).value);
  return html`<div class="field">
    <label for=${id} .textContent=${label}></label>
    <select id=${id} @change=${change}>
      ${options.map(([name, words]) => html`<option value=${name} ?selected=${name === value} .textContent=${words}></option>`)}
    </select>
  </div>`;
}

export interface FieldOptions {
  readonly value?: string;
  readonly hint?: string;
  readonly pattern?: string;
  readonly isRequired?: boolean;
  readonly onInput?: (value: string) => void;
}

export function textField(
  id: string,
  label: string,
  { value = '', hint = '', pattern, isRequired = false, onInput }: FieldOptions,
): Markup {
  const input = ({ target }: Event): void => onInput?.((target as HTMLInputElement).value);
  return html`<div class="field">
    <label for=${id} .textContent=${label}></label>
    <input
      id=${id}
      name=${id}
      type="text"
      autocomplete="off"
      spellcheck="false"
      autocapitalize="off"
      ?required=${isRequired}
      pattern=${pattern ?? nothing}
      aria-describedby=${hint === '' ? nothing : `${id}-hint`}
      .value=${value}
      @input=${input}
    />
    ${hint === '' ? nothing : html`<small id=${`${id}-hint`} .textContent=${hint}></small>`}
  </div>`;
}

/** A word with a dot of its colour. */
export function badge(tone: string, word: string): Markup {
  return html`<span class="badge ${tone}"><i aria-hidden="true"></i><span .textContent=${word}></span></span>`;
}

export const text = (words: string, style = ''): Markup => html`<span class=${style} .textContent=${words}></span>`;

export const emptyNote = (words: string): Markup => html`<p class="empty" .textContent=${words}></p>`;
