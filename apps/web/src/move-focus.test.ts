// @vitest-environment happy-dom
/**
 * Who has the focus: the page, unless the person is in the element or the page shows only the
 * login.
 */

import type { Session } from '@qrcast/client/types';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { find, prepareElement, URL } from '../test/login-element.ts';
import { CANCELLED, CONNECTED, DEADLINE, LOST, PASSWORD, SHOWING, WAITING } from '../test/watch.ts';
import type { LoginElement } from './login-element.ts';

const { create, shown, last } = prepareElement();
afterEach(() => void vi.unstubAllGlobals());

const OWNED = { ticket: 't1', url: URL, lang: 'en', 'owns-page': '' };
const focused = (login: LoginElement): string | null => login.shadowRoot?.activeElement?.id ?? null;

async function tell(login: LoginElement, session: Session, connection?: typeof LOST): Promise<void> {
  last().tell(session, connection);
  await login.updateComplete;
}

function focusOther(): HTMLInputElement {
  const other = document.createElement('input');
  document.body.append(other);
  other.focus();
  return other;
}

describe('in somebody’s page', () => {
  it.each([
    ['has the focus', focusOther],
    ['is not focused anywhere', () => document.body],
  ])('nothing takes the focus through all states, while the page %s', async (_name, prepare) => {
    const other = prepare();
    const { login } = await shown(PASSWORD);
    for (const session of [DEADLINE, WAITING, SHOWING, PASSWORD, { ...PASSWORD, version: 5 }, CANCELLED, CONNECTED]) {
      await tell(login, session, LOST);
      await tell(login, session);
      expect([document.activeElement, focused(login)], session.state).toEqual([other, null]);
    }
    login.remove();
    document.body.append(login);
    await login.updateComplete;
    await tell(login, PASSWORD);
    last().tell(PASSWORD, { status: 'refused', code: 'ticket_revoked', detail: null });
    await login.updateComplete;
    expect([document.activeElement, focused(login)]).toEqual([other, null]);
  });

  it('a focus inside the element moves to the next step', async () => {
    const { login } = await shown(DEADLINE);
    find(login, '#resume').focus();
    await tell(login, SHOWING);
    expect(focused(login)).toBe('title');
    await tell(login, PASSWORD);
    expect(focused(login)).toBe('password');
    await tell(login, DEADLINE);
    expect(focused(login)).toBe('resume');
  });

  it('it follows a person who pressed a button without focusing it, until the answer', async () => {
    const { login } = await shown(DEADLINE);
    find(login, '#resume').click(); // in Safari a button takes no focus
    await login.updateComplete;
    await tell(login, WAITING);
    expect(focused(login)).toBe('title');
    find(login, '#title').blur();
    await tell(login, PASSWORD);
    expect(focused(login)).toBeNull();
  });

  it('it does not follow a person who pressed a button and went on elsewhere', async () => {
    const { login } = await shown(DEADLINE);
    find(login, '#resume').click();
    const other = focusOther();
    await tell(login, WAITING);
    await tell(login, PASSWORD);
    expect(document.activeElement).toBe(other);
  });

  it('it never scrolls', async () => {
    const { login } = await shown(DEADLINE);
    find(login, '#resume').focus();
    const focus = vi.spyOn(HTMLElement.prototype, 'focus');
    await tell(login, PASSWORD);
    expect(focus).toHaveBeenCalledExactlyOnceWith({ preventScroll: true });
  });
});

describe('in a page of its own', () => {
  it('takes the focus if nothing else has it', async () => {
    const { login } = await shown(PASSWORD, OWNED);
    expect(focused(login)).toBe('password');
    const other = focusOther();
    await tell(login, DEADLINE);
    expect(document.activeElement).toBe(other);
  });

  it('takes the focus in a frame only while the frame has it', async () => {
    vi.stubGlobal('parent', {});
    const hasFocus = vi.spyOn(document, 'hasFocus').mockReturnValue(false);
    const { login } = await shown(PASSWORD, OWNED);
    expect(focused(login)).toBeNull();
    find(login, '#password').focus(); // and then the person went on around the frame
    await tell(login, DEADLINE);
    expect(focused(login)).not.toBe('resume');
    hasFocus.mockReturnValue(true);
    await tell(login, PASSWORD);
    expect(focused(login)).toBe('password');
  });

  it('takes no focus at the beginning', async () => {
    const login = create(OWNED);
    await login.updateComplete;
    expect(focused(login)).toBeNull();
  });
});
