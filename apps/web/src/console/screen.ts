/** What every view gets, and what it is: markup that is drawn anew after each change. */

import type { Language } from '../languages.ts';
import type { Markup } from '../tidy-html.ts';
import type { Api, Failure } from './api.ts';
import type { Format } from './format.ts';
import type { Role } from './routes.ts';
import type { SecretsKeeper } from './secrets-keeper.ts';
import type { ConsoleTexts } from './texts.ts';

export interface Words {
  readonly texts: ConsoleTexts;
  readonly format: Format;
  readonly language: Language;
}

export interface Question {
  readonly title: string;
  readonly text: string;
  readonly action: string;
}

export interface Context {
  readonly api: Api;
  readonly role: Role;
  /** Outlives the view. */
  readonly secrets: SecretsKeeper;
  /** As they are now: the person may choose another language. */
  words(): Words;
  redraw(): void;
  /** Tells screen readers, once. */
  announce(text: string): void;
  /** Resolves to true if the person agrees. */
  ask(question: Question): Promise<boolean>;
}

export interface Screen {
  template(): Markup;
  close(): void;
}

export type Loadable<T> =
  | { readonly kind: 'loading' }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'here'; readonly value: T };

export const LOADING = { kind: 'loading' } as const;
