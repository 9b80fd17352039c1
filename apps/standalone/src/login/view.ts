/** How a login is shown while it goes on: `login/view-live.ts` on a terminal, `-plain` in lines, `-json` for programs. */

import type { SessionWatch } from '@qrcast/client/types';

/** What is wanted of the person, or done with what was given. */
export type PasswordTurn =
  /** `mistake`: why it is wanted again. */
  | { readonly kind: 'wanted'; readonly mistake: string | null }
  /** An empty line was typed: another one leaves the password step for a new code. */
  | { readonly kind: 'leaving' }
  | { readonly kind: 'startingOver' }
  | { readonly kind: 'checking' }
  /** It is sent again by itself. */
  | { readonly kind: 'waiting'; readonly seconds: number };

export interface LoginView {
  /** Shows what is watched from now on. At most once. */
  watch(watch: SessionWatch, pageUrl: string): void;
  /** Null: nothing is wanted any more. */
  password(turn: PasswordTurn | null): void;
  /** Shows nothing more, and leaves the terminal as it was. Idempotent. */
  close(): void;
}
