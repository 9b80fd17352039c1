/**
 * The types of `<qrcast-login>`, which the gateway serves as `/element.js`. Nothing runs here. Importing it types `querySelector`,
 * `createElement` and `addEventListener`; JSX and templates are typed by `element/react`, `element/preact`, `element/vue` and
 * `element/svelte`. The element's own class is held against these types where it is built.
 */

import type { CallResult, RefusalCode, Session, SessionState } from './types.ts';

/** What is on the screen, in one word and in the person's own. */
export interface LoginScreen {
  /** As it is shown: a session whose code ran out is `waiting`. */
  readonly state: SessionState | 'connecting' | 'refused';
  /** Of the session; null before the first state. */
  readonly version: number | null;
  readonly title: string;
  readonly language: 'en' | 'ru';
  readonly direction: 'ltr' | 'rtl';
}

/** The `detail` of each event. All of them bubble and leave shadow roots. */
export interface LoginEvents {
  /** Every newer state, and when the code was renewed or ran out. */
  readonly 'qrcast-session': Session;
  readonly 'qrcast-connected': Session;
  /** One end may follow another: what could have been resumed is cancelled. */
  readonly 'qrcast-ended': Session;
  readonly 'qrcast-refused': { readonly code: RefusalCode; readonly detail: string | null };
  readonly 'qrcast-state': LoginScreen;
}

/** Codes that the element has words for, to be set as `refusal` by a page that knows that there is no login. */
export type LoginRefusal = RefusalCode | 'no_ticket' | 'other_login' | 'not_completed' | 'sandboxed' | 'too_old';

export interface QrcastLoginElement extends HTMLElement {
  /** Which login. Another one is another login; without one it waits. */
  ticket: string | null;
  /** The gateway; by default where the script came from. */
  url: string | null;
  /** Once connected, leads to the session's `returnUrl` after five seconds, unless the person touches or presses anything. */
  autoReturn: boolean;
  /** For a page that is nothing but the login: the next step takes the focus when nothing else has it. */
  ownsPage: boolean;
  /** Asked for a new ticket when the old one has expired. Set it before the ticket. */
  renewTicket: (() => Promise<string>) | null;
  refusal: LoginRefusal | null;
  /** A new attempt after a resumable end, as the button does. Never rejects. */
  resume(): Promise<CallResult>;
  /** Leaves the password step for a new code, as the button does. Never rejects. */
  startOver(): Promise<CallResult>;
}

/** What markup can say. A flag is there or not: some frameworks write `false` as text, which would count as there. */
export interface LoginAttributes {
  ticket?: string | undefined;
  url?: string | undefined;
  lang?: 'en' | 'ru' | '' | (string & {}) | undefined;
  theme?: 'light' | 'dark' | 'auto' | undefined;
  'auto-return'?: true | '' | undefined;
  'owns-page'?: true | '' | undefined;
}

/** Listeners as JSX names them; React does from version 19 on. */
export type LoginListeners = { [Name in keyof LoginEvents as `on${Name}`]?: ((event: CustomEvent<LoginEvents[Name]>) => void) | undefined };

/** Properties as JSX sets them on an element that has them; React does from version 19 on. */
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
