/** What is around every view: the name, the views, the language, the way out, and the one dialog. */

import { nothing } from 'lit';
import type { Language } from '../languages.ts';
import { html, type Markup } from '../tidy-html.ts';
import { LANGUAGE_NAMES } from './language.ts';
import { button, choice } from './parts.ts';
import { hashOf, type Role, type Route, viewsOf } from './routes.ts';
import type { Question, Words } from './screen.ts';
import type { ConsoleTexts } from './texts.ts';

export interface Frame {
  /** Null before the sign-in. */
  readonly role: Role | null;
  readonly route: Route | null;
  readonly question: Question | null;
  readonly announcement: string;
  /** New secrets that are not copied yet. */
  readonly hasSecrets: boolean;
}

export interface FrameHandlers {
  readonly onLanguage: (language: Language) => void;
  readonly onSignOut: () => void;
  readonly onAnswer: (isAgreed: boolean) => void;
}

export function frameTemplate(
  { role, route, question, announcement, hasSecrets }: Frame,
  { texts, language }: Words,
  content: Markup,
  handlers: FrameHandlers,
): Markup {
  const skip = (event: Event): void => {
    event.preventDefault(); // the fragment is the address of the view
    document.querySelector<HTMLElement>('#title')?.focus();
  };
  return html`<a class="skip" href="#title" @click=${skip} .textContent=${texts.skip}></a>
    <header>
      <p class="brand"><span .textContent=${texts.name}></span>${role === null ? nothing : html`<span class="role" .textContent=${texts.roles[role]}></span>`}</p>
      <div class="tools">
        ${choice(texts.language, Object.entries(LANGUAGE_NAMES) as [Language, string][], language, handlers.onLanguage)}
        ${role === null ? nothing : button(texts.signIn.signOut, handlers.onSignOut)}
      </div>
      ${role === null || route === null ? nothing : navigation(role, route, { texts })}
    </header>
    <main>${hasSecrets && route?.view !== 'tenants' ? reminder(texts) : nothing}${content}</main>
    <p class="unseen" role="status" .textContent=${announcement}></p>
    <dialog aria-labelledby="question" @close=${() => handlers.onAnswer(false)}>
      ${question === null ? nothing : questionTemplate(question, texts.tenants.cancel, handlers.onAnswer)}
    </dialog>`;
}

/** New secrets wait where they were made. */
function reminder({ tenants }: ConsoleTexts): Markup {
  return html`<p class="note warn"><a href=${hashOf({ view: 'tenants' })} .textContent=${tenants.waiting}></a></p>`;
}

function navigation(role: Role, route: Route, { texts }: Pick<Words, 'texts'>): Markup {
  const here = route.view === 'session' ? 'sessions' : route.view;
  const links = viewsOf(role).map(
    (view) =>
      html`<li><a href=${hashOf({ view })} aria-current=${view === here ? 'page' : nothing} .textContent=${texts.views[view]}></a></li>`,
  );
  return html`<nav aria-label=${texts.navigation}><ul>${links}</ul></nav>`;
}

function questionTemplate({ title, text, action }: Question, cancel: string, onAnswer: (isAgreed: boolean) => void): Markup {
  return html`<h2 id="question" .textContent=${title}></h2><p .textContent=${text}></p>
    <div class="actions">${button(cancel, () => onAnswer(false))}${button(action, () => onAnswer(true), { style: 'danger' })}</div>`;
}
