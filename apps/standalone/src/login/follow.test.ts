/**
 * What the simulated provider cannot cause: refusals and faults of single calls, and every end.
 */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ended, follow, OK, refused, scripted } from '../../test/followed-login.ts';
import { EXITS, InterruptedError } from './ending.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a login ends', () => {
  it.each([
    ['provider_down', 5],
    ['cancelled', 8],
    ['credentials_rejected', 3],
    ['instance_deleted', 3],
    ['instance_expired', 3],
    ['instance_blocked', 7],
    ['account_mismatch', 6],
    ['expired', 8],
    ['invented_later' as 'expired', 8],
  ] as const)('when the session ends %s: %i', async (reason, exitCode) => {
    const script = scripted();
    const { ending } = follow(script);
    script.show(ended(reason, reason === 'provider_down'));
    expect(await ending).toMatchObject({ reason, exitCode });
    expect(script.sent).toEqual([]);
  });

  it('when it is connected, with the account', async () => {
    const script = scripted();
    const { ending } = follow(script);
    script.show({ state: 'connected', account: { wid: '7900@c.us', phone: '7900' } });
    expect(await ending).toMatchObject({ exitCode: 0, sentence: 'Connected: +7900.', account: { phone: '7900' } });
  });

  it.each([
    ['ticket_revoked', 8],
    ['not_found', 8],
    ['invalid_message', 1],
  ] as const)('when the gateway refuses with %s: %i', async (code, exitCode) => {
    const script = scripted();
    const { ending } = follow(script);
    script.show({}, { status: 'refused', code, detail: null });
    expect(await ending).toMatchObject({ reason: code, exitCode });
  });

  it('when its time is up, and not before', async () => {
    const { ending } = follow(scripted());
    const state = vi.fn();
    void ending.then(state);
    await vi.advanceTimersByTimeAsync(599_999);
    expect(state).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(await ending).toMatchObject({ reason: 'timeout', exitCode: EXITS.timeout.code });
  });

  it('when somebody stops it, before or after it began', async () => {
    const before = AbortSignal.abort(new InterruptedError(130));
    await expect(follow(scripted(), [], before).ending).rejects.toBe(before.reason);
    const later = new AbortController();
    const { ending } = follow(scripted(), [], later.signal);
    later.abort(new InterruptedError(143));
    await expect(ending).rejects.toMatchObject({ exitCode: 143 });
  });

  it('leaves no timer', async () => {
    const script = scripted([refused('unavailable', true)]);
    const { ending } = follow(script, ['a password']);
    script.show({ state: 'password' });
    await vi.advanceTimersByTimeAsync(100);
    script.show(ended('cancelled'));
    await ending;
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a deadline', () => {
  it('begins a new attempt, once', async () => {
    const script = scripted();
    const { ending } = follow(script);
    script.show({ ...ended('deadline', true), version: 7 });
    script.show({ ...ended('deadline', true), version: 7 });
    await vi.advanceTimersByTimeAsync(0);
    expect(script.sent).toEqual(['resume']);
    script.show({ state: 'waiting', version: 8 });
    script.show({ ...ended('deadline', true), version: 9 }); // of the second attempt
    await vi.advanceTimersByTimeAsync(0);
    expect(script.sent).toEqual(['resume', 'resume']);
    script.show({ state: 'connected' });
    expect((await ending).exitCode).toBe(0);
  });

  it('asks again if the gateway cannot answer, no sooner than it says', async () => {
    const script = scripted([refused('unavailable', true, 5_000), OK]);
    const { ending } = follow(script);
    script.show(ended('deadline', true));
    await vi.advanceTimersByTimeAsync(4_999);
    expect(script.sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(script.sent).toHaveLength(2);
    script.show({ state: 'connected' });
    expect((await ending).exitCode).toBe(0);
  });

  it('is resumed once, although the new attempt is not reported yet', async () => {
    const script = scripted([OK, refused('not_resumable', false)]);
    const { ending } = follow(script);
    script.show({ ...ended('deadline', true), version: 7 });
    await vi.advanceTimersByTimeAsync(0);
    script.show({ ...ended('deadline', true), version: 7 }, { status: 'retrying', code: null, retryAt: 0 });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(script.sent).toEqual(['resume']);
    script.show({ state: 'connected' });
    expect((await ending).exitCode).toBe(0);
  });

  it('ends the login if the session cannot be resumed', async () => {
    const script = scripted([refused('not_resumable', false)]);
    const { ending } = follow(script);
    script.show(ended('deadline', true));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await ending).toMatchObject({ reason: 'deadline', exitCode: 4 });
  });

  it('does not end the login if somebody else resumed it, even if that is reported after the refusal', async () => {
    const script = scripted([refused('not_resumable', false)]);
    const { ending } = follow(script);
    script.show({ ...ended('deadline', true), version: 7 });
    await vi.advanceTimersByTimeAsync(1_000);
    script.show({ state: 'waiting', version: 8 });
    await vi.advanceTimersByTimeAsync(60_000);
    script.show({ state: 'connected' });
    expect((await ending).exitCode).toBe(0);
  });
});

describe('the password', () => {
  it('is sent again automatically while the provider accepts none, without a new prompt', async () => {
    const script = scripted([refused('too_many_requests', true, 60_000), OK]);
    const { ending, prompts } = follow(script, ['correct horse']);
    script.show({ state: 'password' });
    await vi.advanceTimersByTimeAsync(59_999);
    expect(script.sent).toEqual(['correct horse']);
    await vi.advanceTimersByTimeAsync(1);
    expect(script.sent).toEqual(['correct horse', 'correct horse']);
    expect(prompts).toEqual([
      'typed unseen', // before the person is asked
      { kind: 'wanted', mistake: null },
      { kind: 'checking' },
      { kind: 'waiting', seconds: 60 },
      { kind: 'checking' },
    ]);
    script.show({ state: 'connected' });
    expect((await ending).exitCode).toBe(0);
    expect(prompts.at(-1)).toBeNull();
  });

  it('is not sent any more when the session needs none', async () => {
    const script = scripted([refused('too_many_requests', true, 60_000)]);
    const { ending } = follow(script, ['correct horse']);
    script.show({ state: 'password' });
    await vi.advanceTimersByTimeAsync(0);
    script.show({ state: 'waiting' });
    await vi.advanceTimersByTimeAsync(120_000);
    expect(script.sent).toEqual(['correct horse']);
    script.show({ state: 'connected' });
    await ending;
  });

  it('is asked for again when it was wrong or invalid, until there is none: 9', async () => {
    const script = scripted([refused('password_rejected', true), refused('invalid_request', false)]);
    const { ending, prompts } = follow(script, ['wrong', 'x'.repeat(257)]);
    script.show({ state: 'password' });
    expect(await ending).toMatchObject({ reason: 'password_required', exitCode: 9 });
    const mistakes = prompts.flatMap((prompt) =>
      prompt !== null && typeof prompt === 'object' && prompt.kind === 'wanted' ? [prompt.mistake] : [],
    );
    expect(mistakes).toEqual([
      null,
      'The password was not accepted. Check it and try again.',
      'A password has 1 to 256 characters. Try again.',
    ]);
  });

  const kindsOf = (prompts: ReturnType<typeof follow>['prompts']): unknown[] =>
    prompts.map((prompt) =>
      prompt !== null && typeof prompt === 'object' ? (prompt.kind === 'wanted' ? prompt.mistake : prompt.kind) : prompt,
    );

  it('is left for a new code by two empty lines, and asked for again if the session needs it again', async () => {
    const script = scripted();
    const { ending, prompts } = follow(script, ['', '', 'correct horse']);
    script.show({ state: 'password', version: 4 });
    await vi.advanceTimersByTimeAsync(0);
    expect(script.sent).toEqual(['start over']);
    expect(kindsOf(prompts)).toEqual(['typed unseen', null, 'typed unseen', 'leaving', 'startingOver']);
    script.show({ state: 'waiting', version: 5 });
    script.show({ state: 'password', version: 6 });
    await vi.advanceTimersByTimeAsync(0);
    expect(script.sent).toEqual(['start over', 'correct horse']);
    script.show({ state: 'connected' });
    expect((await ending).exitCode).toBe(0);
  });

  it('is not left by one empty line', async () => {
    const script = scripted([refused('password_rejected', true), OK]);
    const { ending } = follow(script, ['', 'wrong', '', 'correct horse']);
    script.show({ state: 'password' });
    await vi.advanceTimersByTimeAsync(0);
    expect(script.sent).toEqual(['wrong', 'correct horse']);
    script.show({ state: 'connected' });
    expect((await ending).exitCode).toBe(0);
  });

  it.each([
    [refused('unavailable', true), 'There is no new code right now. Try again in a moment.'],
    [refused('too_many_requests', true, 5_000), 'There is no new code right now. Try again in a moment.'],
    [refused('too_many_requests', true, 3_000_000), 'There are no more new codes for this login.'],
    [refused('forbidden', false), 'This login allows no new code.'],
  ])('that cannot be left is asked for again, with the reason: %j', async (refusal, reason) => {
    const script = scripted([refusal, OK]);
    const { ending, prompts } = follow(script, ['', '', 'correct horse']);
    script.show({ state: 'password' });
    await vi.advanceTimersByTimeAsync(0);
    expect(script.sent).toEqual(['start over', 'correct horse']);
    expect(kindsOf(prompts).slice(-4)).toEqual(['startingOver', 'typed unseen', reason, 'checking']);
    script.show({ state: 'connected' });
    expect((await ending).exitCode).toBe(0);
  });

  it('that was left too late is no error, and the session continues', async () => {
    const script = scripted([refused('not_waiting_for_password', false)]);
    const { ending } = follow(script, ['', '']);
    script.show({ state: 'password' });
    await vi.advanceTimersByTimeAsync(0);
    script.show({ state: 'connected' });
    expect((await ending).exitCode).toBe(0);
  });

  it('ends the login if no password can help', async () => {
    const script = scripted([refused('forbidden', false)]);
    const { ending } = follow(script, ['correct horse']);
    script.show({ state: 'password' });
    await expect(ending).rejects.toMatchObject({ code: 'forbidden', exitCode: 1 });
  });
});
