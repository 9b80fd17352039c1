/**
 * Asks for the account's password. The browser itself cannot send it, because the field has no name
 * and the form has no address.
 */

import { nothing } from 'lit';
import type { CardHandlers } from './card-handlers.ts';
import type { Texts } from './texts.ts';
import { html, type Markup, svg } from './tidy-html.ts';
import type { Ask, Body } from './view.ts';

type PasswordBody = Extract<Body, { readonly kind: 'password' }>;

const EYE = svg`<path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z" /><circle cx="12" cy="12" r="3" />`;
const STRUCK = svg`<path d="M4 4l16 16" />`;

export function passwordForm({ error, ask, startOver }: PasswordBody, texts: Texts, isRevealed: boolean, handlers: CardHandlers): Markup {
  const { isBusy, waitSeconds } = ask;
  const isOff = isBusy || waitSeconds !== null || startOver.ask?.isBusy === true;
  const label = isBusy ? texts.passwordSending : waitSeconds === null ? texts.passwordSend : texts.againIn(waitSeconds);

  // Called by the button, which Enter in the field presses too, because a frame with `sandbox` but
  // without `allow-forms` submits no form. Also called on `submit`, because some password managers
  // submit the form.
  function send(event: Event): void {
    event.preventDefault();
    const field = (event.currentTarget as Element).closest('form')?.querySelector('input'); // listens on elements only
    if (isOff || field == null || field.value === '') return;
    const password = field.value;
    field.value = '';
    handlers.onPassword(password);
  }

  // Not `disabled`: a keyboard user would lose the focus while the answer is under way.
  return html`<form autocomplete="off" novalidate @submit=${send}>
    <label for="password" .textContent=${texts.passwordLabel}></label>
    <div class="field">
      <input
        id="password"
        part="input"
        type=${isRevealed ? 'text' : 'password'}
        autocomplete="off"
        autocapitalize="none"
        autocorrect="off"
        spellcheck="false"
        translate="no"
        maxlength="256"
        required
        aria-invalid=${error !== null}
        aria-describedby=${error === null ? nothing : 'mistake'}
      />
      <button class="reveal" type="button" aria-label=${isRevealed ? texts.passwordHide : texts.passwordShow} @click=${handlers.onReveal}>
        <svg viewBox="0 0 24 24" aria-hidden="true">${EYE}${isRevealed ? STRUCK : nothing}</svg>
      </button>
    </div>
    ${error === null ? nothing : html`<p id="mistake" class="error" part="error" .textContent=${error}></p>`}
    <button class="button" part="button" type="submit" aria-disabled=${isOff} @click=${send} .textContent=${label}></button>
    ${startOver.ask === null ? nothing : startOverTemplate(startOver.ask, isBusy, texts, handlers)}
    ${startOver.error === null ? nothing : html`<p class="error" part="error" .textContent=${startOver.error}></p>`}
  </form>`;
}

/**
 * The way out for a person without the password, or with the wrong account. Its text says what it
 * does, because typed text is lost.
 */
function startOverTemplate({ isBusy, waitSeconds }: Ask, isPasswordBusy: boolean, texts: Texts, { onStartOver }: CardHandlers): Markup {
  const label = isBusy ? texts.newCodeSending : waitSeconds === null ? texts.startOver : texts.againIn(waitSeconds);
  const isOff = isBusy || isPasswordBusy || waitSeconds !== null;
  return html`<button id="start-over" class="link" part="link" type="button" aria-disabled=${isOff} @click=${isOff ? null : onStartOver}>
    <span .textContent=${texts.startOverQuestion}></span>
    <span class="action" .textContent=${label}></span>
  </button>`;
}
