import { describe, expect, it, vi } from 'vitest';
import { prepareConnections } from '../test/kept-connection.ts';
import { showing } from '../test/session.ts';
import { LOST } from './closed.ts';
import type { Closed } from './types.ts';

const EXPIRED: Closed = { code: 'ticket_expired', detail: 'it has run out', retryable: false, retryAfterMs: 0 };

const { open } = prepareConnections();

describe('a ticket that has run out', () => {
  /** Renewals that are answered by hand. */
  function renewals() {
    const asked: PromiseWithResolvers<string>[] = [];
    const renewTicket = (): Promise<string> => {
      const answer = Promise.withResolvers<string>();
      asked.push(answer);
      return answer.promise;
    };
    return { asked, renewTicket };
  }
  const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

  it('is renewed, and the new one requests the complete state, because it may be for another session', async () => {
    const { asked, renewTicket } = renewals();
    const { connection, last, script, told, setVersion, untilNext } = await open({ renewTicket });
    setVersion(6);
    last().onOpen();
    last().onClosed(EXPIRED);
    expect(told.at(-1)).toEqual({ status: 'retrying', code: 'ticket_expired', retryAt: Date.now() });
    vi.advanceTimersByTime(60_000);
    expect(script.opened, 'until the new one is there').toHaveLength(1);
    asked[0]?.resolve('second');
    await settled();
    expect(script.last().request).toMatchObject({ ticket: 'second', after: 0 });
    expect(connection.ticket()).toBe('second');
    last().onClosed(LOST);
    untilNext();
    expect(script.last().request.after, 'until it has opened').toBe(0);
    last().onOpen();
    last().onClosed(LOST);
    untilNext();
    expect(script.last().request).toMatchObject({ ticket: 'second', after: 6 });
  });

  it('is renewed once: if the new one is refused at once, the watch ends', async () => {
    const { asked, renewTicket } = renewals();
    const { last, told } = await open({ renewTicket });
    last().onClosed({ ...EXPIRED, code: 'unauthenticated' });
    asked[0]?.resolve('second');
    await settled();
    last().onOpen();
    vi.advanceTimersByTime(9_999);
    last().onClosed(EXPIRED);
    await settled();
    expect(asked).toHaveLength(1);
    expect(told.at(-1)).toEqual({ status: 'refused', code: 'ticket_expired', detail: 'it has run out' });
  });

  it('is renewed again if the last one was proven', async () => {
    const { asked, renewTicket } = renewals();
    const { last, script } = await open({ renewTicket });
    for (const ticket of ['second', 'third']) {
      last().onOpen();
      last().onSession(showing(1));
      vi.advanceTimersByTime(10_000);
      last().onClosed(EXPIRED);
      asked.at(-1)?.resolve(ticket);
      await settled();
      expect(script.last().request.ticket).toBe(ticket);
    }
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('a-secret of the backend'))],
    [
      'throws',
      () => {
        throw new Error('a-secret of the backend');
      },
    ],
    ['gives nothing', async () => ''],
    ['gives no text', async () => ({ ticket: 'a-secret' }) as unknown as string],
  ])('ends it when renewTicket %s', async (_name, renewTicket) => {
    const { last, told, script } = await open({ renewTicket });
    last().onClosed(EXPIRED);
    await settled();
    expect(told.at(-1)).toMatchObject({ status: 'refused', code: 'unauthenticated', detail: expect.stringContaining('renewTicket') });
    expect(JSON.stringify(told)).not.toContain('a-secret');
    expect(script.opened).toHaveLength(1);
  });

  it.each(['ticket_revoked', 'forbidden', 'not_found', 'origin_not_allowed'] as const)('is not renewed after %s', async (code) => {
    const { asked, renewTicket } = renewals();
    const { last, told } = await open({ renewTicket });
    last().onClosed({ ...EXPIRED, code });
    expect([asked.length, told.at(-1)?.status]).toEqual([0, 'refused']);
  });

  it('is not replaced by one that comes after close()', async () => {
    const { asked, renewTicket } = renewals();
    const { connection, last, script } = await open({ renewTicket });
    last().onClosed(EXPIRED);
    connection.close();
    asked[0]?.resolve('second');
    await settled();
    expect([script.opened.length, connection.ticket()]).toEqual([1, 'first']);
  });
});
