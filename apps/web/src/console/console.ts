/**
 * The console, `/console`. It holds the key in memory alone: in the closure of `createApi`. Everything
 * that a person sees is drawn from the state here and from that of the open view.
 */

import { render } from 'lit';
import type { Language } from '../languages.ts';
import { type Api, createApi, type Failure } from './api.ts';
import { openAudit } from './audit-view.ts';
import { openCallbacks } from './callbacks-view.ts';
import { createFormat } from './format.ts';
import { frameTemplate } from './frame-view.ts';
import { consoleTextsOf, preferredLanguage } from './language.ts';
import { openLogins } from './logins-view.ts';
import { parseRoute, type Role, type Route } from './routes.ts';
import type { Context, Question, Screen, Words } from './screen.ts';
import { createSecretsKeeper, type SecretsKeeper } from './secrets-keeper.ts';
import { openSession } from './session-view.ts';
import { openSessions } from './sessions-view.ts';
import { signInTemplate } from './sign-in-view.ts';
import { openTenants } from './tenants-view.ts';
import { openWeather } from './weather-view.ts';

interface SignedIn {
  readonly api: Api;
  readonly role: Role;
  readonly secrets: SecretsKeeper;
}

/** The page's only state besides that of the open view. */
const page = {
  words: wordsIn(preferredLanguage(navigator.languages)),
  signedIn: null as SignedIn | null,
  signIn: { isBusy: false, failure: null as Failure | null },
  route: null as Route | null,
  screen: null as Screen | null,
  question: null as (Question & { readonly answer: (isAgreed: boolean) => void }) | null,
  announcement: '',
};
let isDrawing = false;
/** Counts the views that were opened. One that is closed announces nothing. */
let views = 0;

/** Of times that are told: ages, and how long to wait. */
const DRAW_EVERY_MS = 1_000;

function main(): void {
  addEventListener('hashchange', () => {
    if (page.signedIn !== null) openRoute(page.signedIn);
  });
  // The browser asks in its own words whether the page may go.
  addEventListener('beforeunload', (event) => {
    if (page.signedIn?.secrets.isNeeded() === true) event.preventDefault();
  });
  setInterval(draw, DRAW_EVERY_MS);
  draw();
}

/** The form takes no other key before this one is answered. */
async function signIn(key: string): Promise<void> {
  page.signIn = { isBusy: true, failure: null };
  draw();
  const role: Role = key.startsWith('qk_') ? 'tenant' : 'operator';
  const api = createApi(rootOf(import.meta.url), key);
  const answer = await api.call('GET', role === 'tenant' ? '/v1/statistics?hours=1' : '/v1/admin/statistics?hours=1');
  page.signIn = { isBusy: false, failure: answer.ok ? null : answer.failure };
  if (answer.ok) {
    page.signedIn = { api, role, secrets: createSecretsKeeper(onSecrets) };
    openRoute(page.signedIn);
  } else draw();
}

function onSecrets(): void {
  if (page.route?.view === 'tenants') draw();
  else announce(page.words.texts.tenants.waiting);
}

async function onSignOut(): Promise<void> {
  const { tenants, signIn } = page.words.texts;
  const question = { title: tenants.leaveQuestion, text: tenants.leaveMeaning, action: signIn.signOut };
  if (page.signedIn?.secrets.isNeeded() === true && !(await ask(question))) return;
  signOut();
}

function signOut(): void {
  page.signedIn?.secrets.close();
  page.screen?.close();
  onAnswer(false);
  Object.assign(page, { signedIn: null, screen: null, route: null, announcement: '' });
  draw();
}

function openRoute({ api, role, secrets }: SignedIn): void {
  page.screen?.close();
  onAnswer(false);
  page.route = parseRoute(location.hash, role);
  const own = ++views;
  const announceHere = (text: string): void => {
    if (own === views) announce(text);
  };
  page.screen = openScreen(page.route, { api, role, secrets, words: () => page.words, redraw: draw, announce: announceHere, ask });
  drawNow();
  scrollTo(0, 0);
  document.querySelector<HTMLElement>('#title')?.focus({ preventScroll: true });
}

function openScreen(route: Route, context: Context): Screen {
  switch (route.view) {
    case 'sessions':
      return openSessions(context);
    case 'session':
      return openSession(context, route.id);
    case 'logins':
      return openLogins(context);
    case 'weather':
      return openWeather(context);
    case 'tenants':
      return openTenants(context);
    case 'audit':
      return openAudit(context);
    case 'callbacks':
      return openCallbacks(context);
    default:
      return route satisfies never;
  }
}

function announce(text: string): void {
  page.announcement = text;
  draw();
}

async function ask(question: Question): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  page.question = { ...question, answer: resolve };
  drawNow();
  document.querySelector('dialog')?.showModal();
  return promise;
}

function onAnswer(isAgreed: boolean): void {
  page.question?.answer(isAgreed);
  page.question = null;
  document.querySelector('dialog')?.close();
  draw();
}

function onLanguage(language: Language): void {
  page.words = wordsIn(language);
  draw();
}

function wordsIn(language: Language): Words {
  const tag = navigator.languages.find((own) => own.toLowerCase().startsWith(language)) ?? language;
  return { texts: consoleTextsOf(language), format: createFormat(tag), language };
}

/** Once for all changes of a turn. */
function draw(): void {
  if (isDrawing) return;
  isDrawing = true;
  queueMicrotask(drawNow);
}

function drawNow(): void {
  isDrawing = false;
  const root = document.querySelector<HTMLElement>('#console');
  if (root === null) throw new Error('expected #console in the page');
  const { words, screen, signedIn, route, question, announcement } = page;
  const content = screen === null ? signInTemplate(page.signIn, words, (key) => void signIn(key)) : screen.template();
  const hasSecrets = (signedIn?.secrets.now() ?? []).length > 0;
  root.querySelector('.before')?.remove();
  render(
    frameTemplate({ role: signedIn?.role ?? null, route, question, announcement, hasSecrets }, words, content, {
      onLanguage,
      onSignOut: () => void onSignOut(),
      onAnswer,
    }),
    root,
  );
  document.documentElement.lang = words.language;
  document.title = `${titleOf(route, words)} · ${words.texts.name}`;
}

function titleOf(route: Route | null, { texts }: Words): string {
  if (route === null) return texts.signIn.title;
  return route.view === 'session' ? `${texts.timeline.title} ${route.id}` : texts.views[route.view];
}

/** The gateway that this script came from, whatever path it is served at. */
function rootOf(script: string): string {
  return new URL('../../', script).href;
}

main();
