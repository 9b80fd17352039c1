/**
 * The hosted login page, `/connect#<ticket>`. It takes the ticket out of the address and gives it
 * to the element. It uses only what any other page could use of the element.
 */

import type { QrcastLoginElement } from '@qrcast/client/element';
import type { RefusalCode } from '@qrcast/client/types';
import type { Language } from './languages.ts';
import { createHost, hostWindows } from './tell-host.ts';
import { addressedSession, finishTicket, forgetTicket, takeTicket } from './ticket.ts';

const NAMES: Readonly<Record<Language, string>> = { en: 'Link MAX', ru: 'Подключение MAX' };

/** After these refusals a reload may help, so the ticket is kept. */
const RELOADABLE: ReadonlySet<RefusalCode> = new Set([
  'invalid_message',
  'invalid_request',
  'subscribe_timeout',
  'message_too_large',
  'unknown',
]);

function main(): void {
  const login = document.querySelector('qrcast-login');
  const heading = document.querySelector('h1');
  if (login === null || heading === null) throw new Error('expected <qrcast-login> and <h1> in the page');
  showStateInPage(login, heading);
  followSession(login);
  begin(login);
  // A link pasted into this tab may change only the fragment, and a step back only the history's
  // state. Neither loads the page, so reload.
  for (const type of ['hashchange', 'popstate']) addEventListener(type, () => location.reload());
}

function showStateInPage(login: QrcastLoginElement, heading: HTMLElement): void {
  const root = document.documentElement;
  login.addEventListener('qrcast-state', ({ detail }) => {
    root.lang = detail.language;
    root.dir = detail.direction;
    root.dataset['state'] = detail.state;
    if (detail.version !== null) root.dataset['version'] = String(detail.version);
    heading.textContent = NAMES[detail.language];
    document.title = `${detail.title} · ${NAMES[detail.language]}`;
  });
}

/** Forgets the ticket when it has done its work, and tells the page around this one the result. */
function followSession(login: QrcastLoginElement): void {
  login.addEventListener('qrcast-refused', ({ detail }) => {
    if (!RELOADABLE.has(detail.code)) forgetTicket();
  });
  const addressed = addressedSession();
  /**
   * The session in the address decides who may frame this page. If this page is framed and has none
   * in its address, a proxy and the browser read the address in two ways, so no session is
   * accepted.
   */
  const isOther = (id: string): boolean => (addressed === null ? isFramed() : id !== addressed);
  const host = createHost({ windows: hostWindows(window), originsOf });
  login.addEventListener('qrcast-session', ({ detail: { id } }) => {
    if (isOther(id)) {
      forgetTicket(); // before the other session is drawn
      login.refusal = 'other_login';
      return;
    }
    host.prepare(id);
  });
  for (const outcome of ['connected', 'ended'] as const) {
    login.addEventListener(`qrcast-${outcome}`, ({ detail }) => {
      if (isOther(detail.id)) return;
      if (detail.end?.resumable !== true) finishTicket(outcome);
      host.tell(detail);
    });
  }
}

function begin(login: QrcastLoginElement): void {
  login.ownsPage = true;
  login.autoReturn = !isFramed(); // in a frame only a person may leave, with the button
  login.lang = new URLSearchParams(location.search).get('lang') ?? '';
  const held = takeTicket();
  if (held === null) login.refusal = 'no_ticket';
  else if (held === 'connected') login.refusal = 'done';
  else if (held === 'ended') login.refusal = 'not_completed';
  else login.ticket = held.ticket;
}

function isFramed(): boolean {
  return window.parent !== window;
}

/** Asks the gateway that this script came from, whatever path it is served at. */
async function originsOf(sessionId: string): Promise<readonly string[]> {
  const script = import.meta.url;
  const response = await fetch(new URL(`../${sessionId}/origins`, script), { credentials: 'omit' });
  const { origins } = (await response.json()) as { readonly origins?: unknown };
  if (!Array.isArray(origins)) throw new Error('expected {origins}');
  return origins.filter((origin) => typeof origin === 'string');
}

main();
