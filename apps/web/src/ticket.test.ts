// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { addressedSession, finishTicket, forgetTicket, takeTicket } from './ticket.ts';

/**
 * A page with its own entry in the tab's history. All pages of the tab share one sessionStorage.
 */
interface TestPage {
  /** Opens this fragment there. */
  open(fragment: string): ReturnType<typeof takeTicket>;
  reload(): ReturnType<typeof takeTicket>;
  /** Makes this the page in which the tested functions run. */
  enter(): void;
}

function testPage(path = '/connect?lang=ru'): TestPage {
  let entry: { url: string; state: unknown } = { url: path, state: null };
  const enter = (): void => history.replaceState(entry.state, '', entry.url);
  const take = (): ReturnType<typeof takeTicket> => {
    enter();
    const held = takeTicket();
    entry = { url: location.pathname + location.search + location.hash, state: history.state };
    return held;
  };
  return {
    enter,
    reload: take,
    open(fragment) {
      entry = { url: path + fragment, state: null };
      return take();
    },
  };
}

beforeEach(() => sessionStorage.clear());

describe('the ticket', () => {
  it('is removed from the address at once, and found again after a reload', () => {
    const page = testPage();
    expect(page.open('#abc.def')).toEqual({ ticket: 'abc.def' });
    expect(location.href).toMatch(/\/connect\?lang=ru$/);
    expect(JSON.stringify(history.state)).not.toContain('abc.def');
    expect(page.reload()).toEqual({ ticket: 'abc.def' });
  });

  it('is repaired before it is kept', () => {
    const ticket = `eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiIxIn0.${'s'.repeat(43)}`;
    const page = testPage();
    expect(page.open(`#${ticket}).&utm_source=mail`)).toEqual({ ticket });
    expect(page.reload()).toEqual({ ticket });
  });

  it('is replaced by a newer link', () => {
    const page = testPage();
    page.open('#old');
    expect(page.open('#new')).toEqual({ ticket: 'new' });
    expect(page.reload()).toEqual({ ticket: 'new' });
  });

  it('is missing if the page was opened without one, or it is not valid any more', () => {
    const page = testPage();
    expect(page.open('')).toBeNull();
    page.open('#revoked');
    forgetTicket();
    expect(page.reload()).toBeNull();
  });

  it('is removed when its login is finished, and a reload knows the outcome until another link comes', () => {
    const page = testPage();
    page.open('#abc');
    finishTicket('ended');
    expect(page.reload()).toBe('ended');
    finishTicket('connected');
    expect(page.reload()).toBe('connected');
    expect(Object.values(sessionStorage)).not.toContain('abc');
    expect(page.open('#next')).toEqual({ ticket: 'next' });
    forgetTicket();
    expect(page.reload()).toBeNull();
  });

  it('works without storage, and if the history cannot be written', () => {
    const page = testPage();
    vi.stubGlobal('sessionStorage', undefined);
    expect(page.open('#abc')).toEqual({ ticket: 'abc' });
    expect(page.reload()).toBeNull();
    vi.unstubAllGlobals();
    vi.spyOn(history, 'replaceState').mockImplementationOnce(() => undefined); // the test's own
    location.hash = '#sandboxed';
    vi.spyOn(history, 'replaceState').mockImplementation(() => {
      throw new DOMException('', 'SecurityError');
    });
    expect(takeTicket()).toEqual({ ticket: 'sandboxed' });
    finishTicket('connected');
    vi.restoreAllMocks();
    location.hash = '';
  });
});

describe('two logins of one tab', () => {
  it.each([
    ['that name their sessions', testPage('/connect/ses_a'), testPage('/connect/ses_b')],
    ['that do not', testPage(), testPage()],
    ['of which one does', testPage('/connect/ses_a'), testPage()],
  ])('keep their own tickets, in pages %s', (_name, a, b) => {
    a.open('#ticket-a');
    b.open('#ticket-b');
    expect([a.reload(), b.reload()]).toEqual([{ ticket: 'ticket-a' }, { ticket: 'ticket-b' }]);
    a.enter();
    finishTicket('connected');
    expect([a.reload(), b.reload()]).toEqual(['connected', { ticket: 'ticket-b' }]);
    b.enter();
    forgetTicket();
    expect([a.reload(), b.reload()]).toEqual(['connected', null]);
  });

  it('are not found by a page that was opened without a ticket', () => {
    testPage().open('#ticket-a');
    testPage('/connect/ses_b').open('#ticket-b');
    expect([testPage().open(''), testPage('/connect/ses_c').open('')]).toEqual([null, null]);
  });
});

describe('the session that the address names', () => {
  it.each([
    '/connect/ses_A-b',
    '/connect/ses_A-b/',
    '/connect//ses_A-b//',
    '/Connect/ses_A-b',
    '/%63onnect/%73es_A-b',
    '/connect/%2573es_A-b',
    '/connect%2Fses_A-b',
    '/connect/ses_A-b%20',
    '/qrcast/connect/ses_A-b',
    '/a/connect/connect/ses_A-b',
  ])('is found in %s', (path) => {
    testPage(path).enter();
    expect(addressedSession()).toBe('ses_A-b');
  });

  it.each([
    ...['/connect', '/connect/', '/a/connect/connect', '/ses_A/connect'],
    // A proxy may find ses_A in these.
    ...['/connect/ses_A/ses_B%2f..', '/connect/ses_A/ses_B/%2e%2e%2f', '/connect/ses_A/ses_B%252F..', '/connect/ses_A/ses_B%5c..'],
    ...['/connect/ses_A/ses_B%2f..;', '/connect/ses_A/ses_B%2f.%2f..%2f', '/connect/ses_B%2f..%2fses_A'],
  ])('is not found in %s', (path) => {
    testPage(path).enter();
    expect(addressedSession()).toBeNull();
  });
});
