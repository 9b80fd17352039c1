/** Asks for the key. The field is emptied as soon as it was read. */

import { nothing } from 'lit';
import { html, type Markup } from '../tidy-html.ts';
import type { Failure } from './api.ts';
import { failureNote } from './parts.ts';
import type { ConsoleTexts } from './texts.ts';

export interface SignInState {
  readonly isBusy: boolean;
  readonly failure: Failure | null;
}

export function signInTemplate({ isBusy, failure }: SignInState, texts: ConsoleTexts, onKey: (key: string) => void): Markup {
  const { signIn } = texts;
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const field = (event.target as HTMLFormElement).querySelector('input');
    const key = field?.value.trim() ?? '';
    if (key === '' || isBusy) return;
    if (field !== null) field.value = '';
    onKey(key);
  };
  return html`<form class="card sign-in" autocomplete="off" @submit=${submit}>
    <h1 id="title" tabindex="-1" .textContent=${signIn.title}></h1>
    <p class="lead" .textContent=${signIn.lead}></p>
    <label for="key" .textContent=${signIn.key}></label>
    <input id="key" type="password" autocomplete="off" spellcheck="false" autocapitalize="off" required aria-describedby="promise" />
    ${failure === null ? nothing : failureNote(failure, texts, null)}
    <button class="button" type="submit" aria-disabled=${isBusy} .textContent=${isBusy ? signIn.busy : signIn.submit}></button>
    <p id="promise" class="lead small" .textContent=${signIn.promise}></p>
  </form>`;
}
