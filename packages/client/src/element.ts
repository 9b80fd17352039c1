/**
 * The types of `<qrcast-login>`, which the gateway serves as `/element.js`. This module has no
 * code. Importing it types `querySelector`, `createElement` and `addEventListener`. For JSX and
 * templates import `element/react`, `element/preact`, `element/vue` or `element/svelte`. The
 * element's class is checked against these types where it is built.
 */

import type { CallResult, RefusalCode, Session, SessionState } from './types.ts';

/** What is on the screen: as one word, and as the title that the person reads. */
export interface LoginScreen {
  /** The state that is shown. A session whose code has expired is shown as `waiting`. */
  readonly state: SessionState | 'connecting' | 'refused';
  /** The session's version; null before the first state. */
  readonly version: number | null;
  /** In `language`. */
  readonly title: string;
  readonly language: 'en' | 'ru';
  readonly direction: 'ltr' | 'rtl';
}

/** The `detail` of each event. All of them bubble and cross shadow roots. */
export interface LoginEvents {
  /** A newer state, a confirmed code, or a code that has expired. */
  readonly 'qrcast-session': Session;
  /** The login is confirmed. */
  readonly 'qrcast-connected': Session;
  /**
   * The session ended. A second end may follow: a session that could be resumed may be cancelled.
   */
  readonly 'qrcast-ended': Session;
  /** The gateway refused the ticket or the connection, and there are no more tries. */
  readonly 'qrcast-refused': { readonly code: RefusalCode; readonly detail: string | null };
  /** The screen changed. */
  readonly 'qrcast-state': LoginScreen;
}

/** Why the element shows no login. It has a text for each of these codes. */
export type LoginRefusal =
  | RefusalCode
  | 'no_ticket'
  /** The ticket is for another login than the page's address names. */
  | 'other_login'
  /** The login had ended without success before the page was reloaded. */
  | 'not_completed'
  /** The ticket names origins, and a frame with `sandbox` has none. */
  | 'sandboxed'
  /** This browser lacks something that a login needs. */
  | 'too_old';

export interface QrcastLoginElement extends HTMLElement {
  /**
   * Which login to show. Another ticket opens another login. Without a ticket the element waits.
   */
  ticket: string | null;
  /** The gateway. Default: where the script came from. */
  url: string | null;
  /**
   * Five seconds after the login is confirmed, the element opens the session's `returnUrl`, unless
   * the person touches or presses anything.
   */
  autoReturn: boolean;
  /** For a page that shows only the login: the next step takes the focus if nothing else has it. */
  ownsPage: boolean;
  /** Called for a new ticket when the old one has expired. Set it before the ticket. */
  renewTicket: (() => Promise<string>) | null;
  /** Shown instead of a login, for a page that knows that there is none. */
  refusal: LoginRefusal | null;
  /** Begins a new attempt after a resumable end, like the button. Never rejects. */
  resume(): Promise<CallResult>;
  /** Leaves the password step for a new code, like the button. Never rejects. */
  startOver(): Promise<CallResult>;
}

/**
 * What markup can set. A flag is present or absent. Its type has no `false`, because some
 * frameworks write that as text, and then the attribute would be present.
 */
export interface LoginAttributes {
  ticket?: string | undefined;
  url?: string | undefined;
  lang?: 'en' | 'ru' | '' | (string & {}) | undefined;
  theme?: 'light' | 'dark' | 'auto' | undefined;
  'auto-return'?: true | '' | undefined;
  'owns-page'?: true | '' | undefined;
}

/** Listeners as JSX names them. React supports these from version 19. */
export type LoginListeners = { [Name in keyof LoginEvents as `on${Name}`]?: ((event: CustomEvent<LoginEvents[Name]>) => void) | undefined };

/** Properties that JSX sets on an element. React supports these from version 19. */
export type LoginProperties = Partial<Pick<QrcastLoginElement, 'renewTicket' | 'refusal'>>;

declare global {
  interface HTMLElementTagNameMap {
    'qrcast-login': QrcastLoginElement;
  }
  interface HTMLElementEventMap {
    'qrcast-session': CustomEvent<LoginEvents['qrcast-session']>;
    'qrcast-connected': CustomEvent<LoginEvents['qrcast-connected']>;
    'qrcast-ended': CustomEvent<LoginEvents['qrcast-ended']>;
    'qrcast-refused': CustomEvent<LoginEvents['qrcast-refused']>;
    'qrcast-state': CustomEvent<LoginEvents['qrcast-state']>;
  }
}
