/** For tests: the element in a page, with watches that the test controls. */

import type { WatchOptions } from '@qrcast/client/types';
import { afterEach, beforeAll, beforeEach, vi } from 'vitest';
import { textsOf } from '../src/languages.ts';
import { LoginElement } from '../src/login-element.ts';
import { createTestWatch, type TestWatch, WAITING } from './watch.ts';

export const URL = 'https://qrcast.example.com';
export const en = textsOf('en');
export const ru = textsOf('ru');

const EVENTS = ['qrcast-session', 'qrcast-connected', 'qrcast-ended', 'qrcast-refused'] as const;

/** Call at the top of a test file. Each test then begins with an empty page. */
export function prepareElement() {
  /** The watches that were opened, and the events that the page received, oldest first. */
  const watches: TestWatch[] = [];
  const heard: { type: string; detail: unknown }[] = [];
  beforeEach(() => {
    watches.length = 0;
    heard.length = 0;
  });
  resetPage();

  /** Adds an element to the page and records its events. */
  function create(
    attributes: Readonly<Record<string, string>> = { ticket: 't1', url: URL, lang: 'en' },
    parent = document.body,
  ): LoginElement {
    const login = document.createElement('qrcast-login') as LoginElement; // its published type has no `openWatch`
    login.openWatch = (options: WatchOptions) => {
      const watch = createTestWatch(options);
      watches.push(watch);
      return watch;
    };
    for (const [name, value] of Object.entries(attributes)) login.setAttribute(name, value);
    for (const type of EVENTS) login.addEventListener(type, ({ detail }) => heard.push({ type, detail }));
    parent.append(login);
    return login;
  }

  /** Adds an element and gives its watch a session. */
  async function shown(
    session = WAITING,
    attributes?: Readonly<Record<string, string>>,
  ): Promise<{ login: LoginElement; watch: TestWatch }> {
    const login = create(attributes);
    await login.updateComplete;
    const watch = last();
    watch.tell(session);
    await login.updateComplete;
    return { login, watch };
  }

  const last = (): TestWatch => lastOf(watches);
  return { watches, heard, create, shown, last };
}

function resetPage(): void {
  beforeAll(() => customElements.define('qrcast-login', LoginElement));
  beforeEach(() => document.documentElement.removeAttribute('lang'));
  afterEach(() => {
    document.body.replaceChildren();
    vi.restoreAllMocks();
    vi.useRealTimers();
  });
}

function lastOf(watches: readonly TestWatch[]): TestWatch {
  const watch = watches.at(-1);
  if (watch === undefined) throw new Error('expected a watch to be opened');
  return watch;
}

export function find<T extends Element = HTMLElement>(login: LoginElement, selector: string): T {
  const found = login.shadowRoot?.querySelector<T>(selector);
  if (found == null) throw new Error(`expected ${selector} in the element`);
  return found;
}

export const title = (login: LoginElement): string => find(login, '#title').textContent;
