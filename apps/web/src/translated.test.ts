// @vitest-environment happy-dom
/**
 * Page translators rewrite the text nodes of the card. What is drawn afterwards must be the same as
 * without them.
 */

import type { Session } from '@qrcast/client/types';
import { describe, expect, it } from 'vitest';
import { find, prepareElement, ru } from '../test/login-element.ts';
import { CANCELLED, CODE, CONNECTED, DEADLINE, LOST, NOW, OPEN, PASSWORD, SHOWING, WAITING } from '../test/watch.ts';
import type { LoginElement } from './login-element.ts';
import { html } from './tidy-html.ts';

const { shown, last } = prepareElement();

const BACK = { returnUrl: 'https://shop.example.com/orders' };
const TURNS: readonly Session[] = [
  { ...WAITING, notice: { code: 'provider_timeout', retryAt: NOW + 4_000 } },
  SHOWING,
  { ...WAITING, notice: { code: 'login_finishing', retryAt: NOW + 4_000 } },
  { ...SHOWING, code: { ...CODE, text: null } },
  { ...SHOWING, code: null },
  { ...SHOWING, notice: { code: 'rate_limited', retryAt: NOW + 4_000 } },
  PASSWORD,
  { ...PASSWORD, notice: { code: 'password_rejected', retryAt: NOW } },
  PASSWORD,
  DEADLINE,
  SHOWING,
  { ...CANCELLED, ...BACK },
  WAITING,
  { ...CONNECTED, ...BACK },
];

function textNodes(root: Node): Text[] {
  return [...root.childNodes].flatMap((node) => (node instanceof Text ? [node] : textNodes(node)));
}

const inFonts = (text: Text): void => {
  const [outer, inner] = [document.createElement('font'), document.createElement('font')];
  text.replaceWith(outer);
  outer.append(inner);
  inner.append(`«${text.data}»`);
};

const TRANSLATORS: Readonly<Record<string, (card: Element) => void>> = {
  'wraps every text node': (card) => textNodes(card).forEach(inFonts),
  'moves every text node into a wrapper': (card) => {
    for (const text of textNodes(card)) {
      const font = document.createElement('font');
      text.replaceWith(font);
      font.append(text);
    }
  },
  'puts other text nodes in their place': (card) => {
    for (const text of textNodes(card)) text.replaceWith(document.createTextNode(`«${text.data}»`));
  },
  'changes text nodes': (card) => {
    for (const text of textNodes(card)) text.data = `«${text.data}»`;
  },
  'adds its words behind the others': (card) => {
    for (const { parentElement } of textNodes(card)) parentElement?.append(document.createElement('font'));
  },
  'writes the text of whole blocks anew': (card) => {
    for (const block of card.querySelectorAll('p:not(.phone), h2, li span, label'))
      if (block.textContent !== '') block.innerHTML = `<font>«${block.textContent}»</font>`;
  },
  'writes the whole card anew': (card) => {
    card.innerHTML = `${card.innerHTML}<font>«»</font>`;
  },
};

/** The visible text, and the text for screen readers. */
function drawn(login: LoginElement): string {
  const labels = [...find(login, '.card').querySelectorAll('[aria-label]')].map((node) => node.getAttribute('aria-label'));
  return JSON.stringify([textNodes(find(login, '.card')).map(({ data }) => data), labels]);
}

async function tell(login: LoginElement, session: Session, connection = OPEN): Promise<string> {
  last().tell(session, connection);
  await login.updateComplete;
  return drawn(login);
}

describe.each(Object.entries(TRANSLATORS))('a translator that %s', (_name, translate) => {
  it('does not prevent the next update, in any state', async () => {
    const plain: string[] = [];
    const { login: original } = await shown(WAITING);
    for (const session of TURNS) {
      plain.push(await tell(original, session, LOST));
      plain.push(await tell(original, session));
    }
    original.remove();

    const { login } = await shown(WAITING);
    for (const session of TURNS) {
      for (const connection of [LOST, OPEN]) {
        translate(find(login, '.card'));
        const now = await tell(login, session, connection);
        expect(now.replaceAll(/[«»]/g, ''), session.state).toBe(plain.shift()); // what did not change stays translated
      }
    }
  });
});

describe('a translated card', () => {
  it('still counts down, changes its language, and keeps typed text', async () => {
    const translate = TRANSLATORS['wraps every text node'] as (card: Element) => void; // it stands above
    const { login, watch } = await shown(SHOWING);
    translate(find(login, '.card'));
    watch.setNow(NOW + 7_000);
    login.requestUpdate();
    await login.updateComplete;
    expect(find(login, '.seconds').textContent).toContain('13');
    await tell(login, PASSWORD);
    const field = find<HTMLInputElement>(login, '#password');
    field.value = 'corre';
    translate(find(login, '.card'));
    login.lang = 'ru';
    await login.updateComplete;
    expect(find(login, 'label').textContent).toBe(ru.passwordLabel);
    await tell(login, { ...PASSWORD, version: 9 });
    expect([find(login, '#password'), field.value]).toEqual([field, 'corre']);
  });
});

it('has templates without white space between tags, each parsed once', () => {
  const template = (a: string, b: string) => html`
    <p class="${a} ${b}"> one two </p>
    ${a}
    ${b} <i></i>
  `;
  const { _$litType$: parsed } = template('a', 'b');
  expect(parsed.el?.innerHTML).toBe('<p> one two </p><!----><!----><i></i>');
  expect(template('c', 'd')._$litType$).toBe(parsed);
});
