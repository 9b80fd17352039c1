/** For tests: an operator and a tenant look at every view of the console, and do what can be done there. */

import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import type { Browser, Page } from 'playwright-core';
import { openView, signIn, VIEWS } from './console-page.ts';
import { type ConsoleEvidence, watchConsole } from './evidence-console.ts';
import type { LeakHunt } from './leak-hunt.ts';
import { openPage } from './page.ts';

export interface ConsoleOptions {
  readonly hunt: LeakHunt;
  readonly browser: Browser;
  /** Where the console is served. */
  readonly origin: string;
  readonly keys: { readonly operator: string; readonly tenant: string };
  /** A live session of the tenant. */
  readonly sessionId: string;
  /** A script that leaks in the page, for the twin. */
  readonly plant?: string;
}

export interface ConsoleSeen {
  readonly told: readonly string[];
  readonly said: readonly string[];
  /** What each view of each role showed and kept. */
  readonly views: ReadonlyMap<string, string>;
  /** The files that people saved. */
  readonly saved: string;
}

type Role = keyof typeof VIEWS;

/** A visit of one role: the page, what it is told, and where to put what it shows. */
interface Visit extends Pick<ConsoleOptions, 'hunt' | 'origin' | 'sessionId'> {
  readonly page: Page;
  readonly role: Role;
  readonly key: string;
  look(view: string): Promise<void>;
}

/** The name in the hunt of a secret that the console has made. It is shown once. */
export const isMadeHere = (name: string): boolean => name.startsWith('made on the console');

export async function lookAtConsole(options: ConsoleOptions): Promise<ConsoleSeen> {
  const views = new Map<string, string>();
  const saved: string[] = [];
  const evidences: ConsoleEvidence[] = [];
  for (const role of ['operator', 'tenant'] as const) {
    const { page } = await openPage(options.browser, { allowed: [options.origin], mayBeRefused: true });
    if (options.plant !== undefined) await page.addInitScript(options.plant);
    const evidence = await watchConsole(page);
    evidences.push(evidence);
    const look = async (view: string): Promise<void> => void views.set(`${view} of the ${role}`, await evidence.kept());
    const visit = { ...options, page, role, key: options.keys[role], look };
    await enter(visit);
    await lookAtViews(visit);
    saved.push(await lookAtSession(visit));
    await (role === 'operator' ? makeTenant(visit) : sendAgain(visit));
    await leave(visit);
    await page.context().close();
  }
  return {
    told: evidences.flatMap((evidence) => evidence.told()),
    said: evidences.flatMap((evidence) => evidence.said()),
    views,
    saved: saved.join('\n'),
  };
}

async function enter({ page, origin, key, look }: Visit): Promise<void> {
  await page.goto(`${origin}/console`);
  await page.fill('#key', `${key}x`);
  await look('a key that is typed');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.note');
  await look('a wrong key');
  await signIn({ page }, key);
}

async function lookAtViews({ page, role, sessionId, look }: Visit): Promise<void> {
  await page.waitForSelector(linkTo(sessionId));
  for (const view of VIEWS[role]) {
    await openView(page, view);
    if (view === 'sessions') await page.waitForSelector(linkTo(sessionId));
    await look(view);
  }
}

const linkTo = (sessionId: string): string => `main a[href="#/sessions/${sessionId}"]`;

/** Resolves to the file that the person saves. */
async function lookAtSession({ page, sessionId, look }: Visit): Promise<string> {
  await openView(page, 'sessions');
  await page.click(linkTo(sessionId));
  await page.waitForSelector('.timeline li');
  await look('one session');
  const download = page.waitForEvent('download');
  await page.click('.aside .button:not(.quiet)');
  return text(await (await download).createReadStream());
}

/** Its secrets are shown once. */
async function makeTenant({ hunt, page, look }: Visit): Promise<void> {
  await openView(page, 'tenants');
  await page.fill('#tenant-id', `by-console-${randomBytes(4).toString('hex')}`);
  await page.fill('#tenant-name', 'By the console');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.secrets');
  const made = await page.locator('.secrets dd.id').allTextContents();
  const secrets = made.filter((value) => !value.startsWith('http')); // the address of its webhook is none
  for (const [n, secret] of secrets.entries()) hunt.add(`made on the console: ${n}`, secret);
  await look('new secrets');
  await page.click('.secrets > .button');
  await page.waitForSelector('.secrets', { state: 'detached' });
  await look('tenants afterwards');
}

async function sendAgain({ page, look }: Visit): Promise<void> {
  await openView(page, 'callbacks');
  const sent = page.waitForResponse('**/replay');
  await page.click('tbody .button >> nth=0');
  await sent;
  await look('callbacks afterwards');
}

/** Goes back, signs out, and signs in again. */
async function leave({ page, key, look }: Visit): Promise<void> {
  await page.goBack();
  await look('the view before');
  await page.click('.tools > .button');
  await page.waitForSelector('#key');
  await look('signed out');
  await signIn({ page }, key);
  await look('signed in again');
}
