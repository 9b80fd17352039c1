/**
 * How a login is shown while it goes on: view-live.ts on a terminal, view-plain.ts in lines,
 * view-json.ts for programs.
 */

import type { SessionWatch } from '@qrcast/client/types';

/** What the person has to do, or what is done with the password. */
export type PasswordPrompt =
  /** `mistake` says why the password is wanted again. */
  | { readonly kind: 'wanted'; readonly mistake: string | null }
  /** The person typed an empty line. Another one leaves the password step for a new code. */
  | { readonly kind: 'leaving' }
  | { readonly kind: 'startingOver' }
  | { readonly kind: 'checking' }
  /** The password will be sent again without the person. */
  | { readonly kind: 'waiting'; readonly seconds: number };

export interface LoginView {
  /** Shows this watch from now on. Call it at most once. */
  watch(watch: SessionWatch, pageUrl: string): void;
  /** Null if the password step is over. */
  password(prompt: PasswordPrompt | null): void;
  /** Stops showing, and leaves the terminal as before. Idempotent. */
  close(): void;
}
