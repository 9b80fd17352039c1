import { describe, expect, it } from 'vitest';
import { CODE, createTestWatch, DEADLINE, LOST, NOW, PASSWORD, SHOWING, type TestWatch, WAITING } from '../test/watch.ts';
import { type Login, type Model, openLogin } from './login.ts';

const TICKET = { url: 'https://qrcast.example.com', ticket: 't' };
const REJECTED = { ok: false, error: { code: 'password_rejected', detail: '', retryable: true } } as const;

function open(): { login: Login; watch: TestWatch; models: Model[] } {
  const watch = createTestWatch(TICKET);
  const models: Model[] = [];
  return { login: openLogin({ openWatch: () => watch, onChange: (model) => models.push(model) }, TICKET), watch, models };
}

describe('a login', () => {
  it('follows its watch, from its first snapshot on', () => {
    const { login, watch, models } = open();
    expect(login.model).toMatchObject({ session: null, connection: { status: 'connecting' } });
    watch.tell(WAITING);
    watch.tell(SHOWING, LOST);
    expect(models.map(({ session, connection }) => [session?.state, connection.status])).toEqual([
      ['waiting', 'open'],
      ['showing', 'retrying'],
    ]);
  });

  it('reports nothing after it was closed', async () => {
    const { login, watch, models } = open();
    watch.tell(PASSWORD);
    const sent = login.sendPassword('secret');
    login.close();
    const before = models.length;
    watch.tell(WAITING);
    await watch.answer(REJECTED);
    await sent;
    expect([models.length, watch.isClosed]).toEqual([before, true]);
  });
});

describe('a password', () => {
  it('is sent unchanged, and waits until the session changes', async () => {
    const { login, watch } = open();
    watch.tell(PASSWORD);
    const sent = login.sendPassword('correct horse');
    expect([watch.passwords, login.model.call]).toEqual([['correct horse'], { kind: 'sending' }]);
    await watch.answer({ ok: true });
    expect(await sent).toEqual({ ok: true });
    expect(login.model.call).toEqual({ kind: 'accepted' });
    watch.tell({ ...PASSWORD, version: 4 });
    expect(login.model.call).toEqual({ kind: 'none' });
    expect(JSON.stringify(login.model)).not.toContain('correct horse');
  });

  it('stops waiting when the connection is lost, because the same version may come again', async () => {
    const { login, watch } = open();
    watch.tell(PASSWORD);
    const sent = login.sendPassword('x');
    watch.tell(PASSWORD, LOST);
    expect(login.model.call).toEqual({ kind: 'sending' }); // over HTTP, and still under way
    await watch.answer({ ok: true });
    await sent;
    watch.tell(PASSWORD, LOST);
    expect(login.model.call).toEqual({ kind: 'none' });
  });

  it('that was refused shows the reason, unless the session has left that screen', async () => {
    const { login, watch } = open();
    watch.tell(PASSWORD);
    const first = login.sendPassword('x');
    await watch.answer(REJECTED);
    await first;
    expect(login.model.call).toEqual({ kind: 'failed', code: 'password_rejected' });
    const second = login.sendPassword('y');
    watch.tell({ ...WAITING, version: 4 });
    await watch.answer(REJECTED);
    await second;
    expect(login.model.call).toEqual({ kind: 'none' });
  });

  it('cannot be sent for as long as the server says, even if a notice comes in between', async () => {
    const { login, watch } = open();
    watch.tell(PASSWORD);
    const sent = login.sendPassword('x');
    await watch.answer({ ok: false, error: { code: 'too_many_requests', detail: '', retryable: true, retryAfterMs: 60_000 } });
    await sent;
    watch.tell({ ...PASSWORD, version: 4, notice: { code: 'password_rate_limited', retryAt: NOW } });
    expect(login.model).toMatchObject({ call: { kind: 'none' }, callableAt: NOW + 60_000 });
    watch.tell({ ...WAITING, version: 5 });
    expect(login.model.callableAt).toBeNull();
  });
});

describe('a new code instead of the password', () => {
  it('is requested beside the password, and has a wait of its own', async () => {
    const { login, watch } = open();
    watch.tell(PASSWORD);
    const asked = login.startOver();
    expect([watch.startOvers, login.model.call, login.model.startOver.call]).toEqual([1, { kind: 'none' }, { kind: 'sending' }]);
    await watch.answer({ ok: false, error: { code: 'too_many_requests', detail: '', retryable: true, retryAfterMs: 5_000 } });
    await asked;
    expect(login.model).toMatchObject({
      call: { kind: 'none' },
      callableAt: null,
      startOver: { call: { kind: 'failed', code: 'too_many_requests' }, callableAt: NOW + 5_000 },
    });
  });

  it.each([
    ['was accepted', { ok: true } as const],
    ['came too late', { ok: false, error: { code: 'not_waiting_for_password', detail: '', retryable: false } } as const],
  ])('waits for the session to change, when it %s', async (_name, result) => {
    const { login, watch } = open();
    watch.tell(PASSWORD);
    const asked = login.startOver();
    await watch.answer(result);
    expect(await asked).toBe(result);
    expect(login.model.startOver.call).toEqual({ kind: 'accepted' });
    watch.tell({ ...WAITING, version: 4 });
    expect(login.model.startOver).toEqual({ call: { kind: 'none' }, callableAt: null });
  });
});

it('requests a new code', async () => {
  const { login, watch } = open();
  watch.tell(DEADLINE);
  const asked = login.resume();
  expect([watch.resumes, login.model.call]).toEqual([1, { kind: 'sending' }]);
  watch.tell({ ...WAITING, version: 4 });
  await watch.answer({ ok: true });
  await asked;
  expect(login.model.call).toEqual({ kind: 'none' });
});

it('knows how long a code was valid when it arrived, and after each confirmation', () => {
  const { login, watch } = open();
  watch.tell(SHOWING);
  expect(login.model.lifetimeMs).toBe(20_000);
  watch.setNow(NOW + 15_000);
  watch.tell({ ...SHOWING, version: 4, code: { ...CODE, staleAt: NOW + 37_000 } });
  expect(login.model.lifetimeMs).toBe(22_000);
  watch.tell({ ...SHOWING, version: 5, code: { ...CODE, issuedAt: NOW + 15_000, staleAt: NOW + 25_000 } });
  expect(login.model.lifetimeMs).toBe(10_000);
});
