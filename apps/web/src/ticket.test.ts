// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { finishTicket, forgetTicket, takeTicket } from './ticket.ts';

/** As if the page were opened with this fragment in the tab it is. */
function openPage(fragment: string) {
  history.replaceState(null, '', `/connect?lang=ru${fragment}`);
  return takeTicket();
}

beforeEach(() => sessionStorage.clear());

describe('the ticket', () => {
  it('leaves the address at once, and is found again after a reload', () => {
    expect(openPage('#abc.def')).toEqual({ ticket: 'abc.def' });
    expect(location.href).toMatch(/\/connect\?lang=ru$/);
    expect(openPage('')).toEqual({ ticket: 'abc.def' });
  });

  it('gives way to a newer link', () => {
    openPage('#old');
    expect(openPage('#new')).toEqual({ ticket: 'new' });
    expect(openPage('')).toEqual({ ticket: 'new' });
  });

  it('is not there if nobody brought one, or it opens nothing any more', () => {
    expect(openPage('')).toBeNull();
    openPage('#revoked');
    forgetTicket();
    expect(openPage('')).toBeNull();
  });

  it('is gone once its login is finished, which a reload can still tell until another link comes', () => {
    openPage('#abc');
    finishTicket();
    expect(openPage('')).toBe('finished');
    expect(Object.values(sessionStorage)).not.toContain('abc');
    expect(openPage('#next')).toEqual({ ticket: 'next' });
    forgetTicket();
    expect(openPage('')).toBeNull();
  });

  it('works without storage', () => {
    vi.stubGlobal('sessionStorage', undefined);
    expect(openPage('#abc')).toEqual({ ticket: 'abc' });
    expect(openPage('')).toBeNull();
    vi.unstubAllGlobals();
  });
});
