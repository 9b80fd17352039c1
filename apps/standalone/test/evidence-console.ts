/**
 * For tests: records all that the console is told and asks, and what it shows and keeps at a moment.
 * Code for the page is text, because this package has no types of a browser.
 */

import type { Page } from 'playwright-core';
import { withoutMade } from './callers.ts';
import { watchPage } from './evidence-browser.ts';

export interface ConsoleEvidence {
  /** Each answer with its headers. A stream is one answer, which grows. */
  told(): readonly string[];
  /** The addresses of all requests, with their referrers; and the console of the browser. */
  said(): readonly string[];
  /** What the page shows now, what is typed into it, and what it and its tab keep. */
  kept(): Promise<string>;
}

/** It reads a copy of each answer, part by part, because a stream has no end. */
const COPY_ANSWERS = `{
  const realFetch = fetch;
  const visit = Math.random(); // a page that is loaded again counts anew
  let answers = 0;
  async function copy(id, method, response) {
    noteTold(id, method, response.url, [response.status, JSON.stringify([...response.headers]), ''].join(' '));
    const parts = response.clone().body?.pipeThrough(new TextDecoderStream()) ?? [];
    for await (const part of parts) noteTold(id, method, response.url, part);
  }
  globalThis.fetch = async (address, options) => {
    const response = await realFetch(address, options);
    copy(visit + '/' + answers++, options?.method ?? 'GET', response).catch(() => undefined); // the view has ended its stream
    return response;
  };
}`;
const READ_FIELDS = `JSON.stringify([...document.querySelectorAll('input, textarea, select')].map(({ value }) => value))`;

interface Told {
  readonly method: string;
  readonly url: string;
  text: string;
}

/** Call it before the page is opened. */
export async function watchConsole(page: Page): Promise<ConsoleEvidence> {
  const answers = new Map<string, Told>();
  await page.exposeFunction('noteTold', (id: string, method: string, url: string, part: string) => {
    const told = answers.get(id) ?? { method, url, text: '' };
    answers.set(id, told);
    told.text += part;
  });
  await page.addInitScript(COPY_ANSWERS);
  const tab = await page.context().newCDPSession(page);
  const evidence = watchPage(page);
  return {
    told: () => [...answers.values()].map(({ method, url, text }) => `${method} ${url} ${withoutMade(method, url, text)}`),
    said: evidence.said,
    async kept() {
      // The browser alone keeps the address that a person typed, with the fragment of that visit.
      const { entries } = await tab.send('Page.getNavigationHistory');
      const history = entries.map(({ url, title }) => `${url} ${title}`).join('\n');
      return [await evidence.kept(), await evidence.sessionStorage(), await page.evaluate<string>(READ_FIELDS), history].join('\n');
    },
  };
}
