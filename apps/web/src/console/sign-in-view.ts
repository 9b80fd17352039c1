/** Asks for the key. The field is emptied as soon as it was read. */

import { nothing } from 'lit';
import { html, type Markup } from '../tidy-html.ts';
import { type Failure, waitOf } from './api.ts';
import { failureNote } from './parts.ts';
import type { Words } from './screen.ts';

export interface SignInState {
  readonly isBusy: boolean;
  readonly failure: Failure | null;
}

export function signInTemplate({ isBusy, failure }: SignInState, words: Words, onKey: (key: string) => void): Markup {
  const { signIn } = words.texts;
  const isIdle = isBusy || waitOf(failure, Date.now()) > 0;
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const field = (event.target as HTMLFormElement).querySelector('input');
    const key = field?.value.trim() ?? '';
    if (key === '' || isIdle) return;
    if (field !== null) field.value = '';
    onKey(key);
  };
  return html`<form class="card sign-in" autocomplete="off" @submit=${submit}>
    <h1 id="title" tabindex="-1" .textContent=${signIn.title}></h1>
    <p class="lead" .textContent=${signIn.lead}></p>
    <label for="key" .textContent=${signIn.key}></label>
    <input id="key" type="password" autocomplete="off" spellcheck="false" autocapitalize="off" required aria-describedby="promise" />
    ${failure === null ? nothing : failureNote(failure, words, null)}
    <button class="button" type="submit" aria-disabled=${isIdle} .textContent=${isBusy ? signIn.busy : signIn.submit}></button>
    <p id="promise" class="lead small" .textContent=${signIn.promise}></p>
  </form>`;
}
