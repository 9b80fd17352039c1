/**
 * The markup of a view. It knows nothing of sessions or connections. What a person does goes to its
 * handlers.
 */

import { nothing } from 'lit';
import type { CardHandlers } from './card-handlers.ts';
import { codePanel } from './code-panel.ts';
import { iconTemplate } from './icons.ts';
import type { Language } from './languages.ts';
import { passwordForm } from './password-form.ts';
import type { Texts } from './texts.ts';
import { html, type Markup } from './tidy-html.ts';
import type { Ask, Body, View, Way } from './view.ts';

export interface CardSetting {
  readonly texts: Texts;
  readonly language: Language;
  readonly isRevealed: boolean;
}

export function cardTemplate(view: View, setting: CardSetting, handlers: CardHandlers): Markup {
  const { texts, language } = setting;
  const { mark } = view;
  const layout = mark === null ? 'wide' : 'plain';
  return html`<div
    class="card ${layout}"
    part="card"
    role="group"
    aria-labelledby="title"
    lang=${language}
    dir=${texts.direction}
  >
    <p class="unseen" role="status" .textContent=${view.announcement}></p>
    ${view.banner === null ? nothing : html`<p class="banner" part="banner" aria-hidden="true" .textContent=${view.banner}></p>`}
    <div class="words">
      ${mark === null ? nothing : html`<svg class="mark ${view.state}" part="mark" viewBox="0 0 24 24" aria-hidden="true">${iconTemplate(mark)}</svg>`}
      <h2 id="title" part="title" tabindex="-1" .textContent=${view.headline.title}></h2>
      <p class="detail" part="detail" .textContent=${view.headline.detail}></p>
    </div>
    ${bodyTemplate(view.body, setting, handlers)}
  </div>`;
}

function bodyTemplate(body: Body, { texts, isRevealed }: CardSetting, handlers: CardHandlers): unknown {
  switch (body.kind) {
    case 'skeleton':
    case 'code':
      return codePanel(body, texts);
    case 'finishing':
      return nothing;
    case 'password':
      return passwordForm(body, texts, isRevealed, handlers);
    case 'success':
      return [phoneTemplate(body, texts), wayTemplate(body.way, texts, 'button'), leavingTemplate(body, texts, handlers)];
    case 'stop':
      return [
        body.error === null ? nothing : html`<p class="error" part="error" .textContent=${body.error}></p>`,
        body.ask === null ? nothing : resumeTemplate(body.ask, texts, handlers),
        wayTemplate(body.way, texts, 'button quiet'),
      ];
    default:
      return body satisfies never;
  }
}

function phoneTemplate({ phone }: Extract<Body, { kind: 'success' }>, texts: Texts): unknown {
  if (phone === null) return nothing;
  return html`<p class="phone" part="phone">
    <span aria-hidden="true" translate="no" .textContent=${phone.masked}></span>
    <span class="unseen" .textContent=${texts.phoneEnding(phone.lastDigits)}></span>
  </p>`;
}

function wayTemplate(way: Way | null, texts: Texts, style: string): unknown {
  return way === null
    ? nothing
    : html`<a id="return" class=${style} part="button" href=${way.url} .textContent=${texts.returnTo(way.host)}></a>`;
}

function leavingTemplate({ way, returnsIn }: Extract<Body, { kind: 'success' }>, texts: Texts, { onStay }: CardHandlers): unknown {
  if (way === null || returnsIn === null) return nothing;
  return html`<p class="seconds" aria-hidden="true" .textContent=${texts.returning(returnsIn)}></p>
    <button id="stay" class="button quiet" part="button" type="button" @click=${onStay} .textContent=${texts.stay}></button>`;
}

// Not `disabled`: a keyboard user would lose the focus while the answer is under way.
function resumeTemplate({ isBusy, waitSeconds }: Ask, texts: Texts, { onResume }: CardHandlers): Markup {
  const label = isBusy ? texts.newCodeSending : waitSeconds === null ? texts.newCode : texts.againIn(waitSeconds);
  const isOff = isBusy || waitSeconds !== null;
  const onClick = isOff ? null : onResume;
  return html`<button
    id="resume"
    class="button"
    part="button"
    type="button"
    aria-disabled=${isOff}
    @click=${onClick}
    .textContent=${label}
  ></button>`;
}
