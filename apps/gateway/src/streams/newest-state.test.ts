import type { Session } from '@qrcast/core/session';
import { Picture } from '@qrcast/runtime/sessions/picture';
import { bodyIn, changeOf, type WatchedState } from '@qrcast/runtime/sessions/published-state';
import { sampleSession } from '@qrcast/runtime/test/runtime';
import { expect, it } from 'vitest';
import { NewestState } from './newest-state.ts';

const NOW = 1_790_000_000_000;
const idle = sampleSession({ reference: 'é "quoted"\n' }, NOW);
const code = { digest: 'd', text: null, issuedAt: NOW, staleAt: NOW + 20_000 };
const showing: Session = { ...idle, version: 2, login: 'offered', isProven: true, state: { kind: 'showing', code, notice: null } };
const stateOf = (session: Session, image: Picture | null = null): WatchedState => ({ ...changeOf({ session, image: null }), image });

it('has nothing before the first state', () => {
  const newest = new NewestState();
  expect([newest.read(), newest.polled(), newest.isIdle(), newest.isElapsed(Number.MAX_VALUE)]).toEqual([null, null, false, false]);
});

it('gives back the last state', () => {
  const newest = new NewestState();
  const image = new Picture('data:image/png;base64,AAAA');
  for (const [session, picture] of [
    [idle, null],
    [showing, image],
    [idle, null],
  ] as const) {
    newest.keep(stateOf(session, picture));
    const { session: facts, lines, image: kept } = newest.read() ?? expect.unreachable();
    expect([facts.version, facts.state, kept]).toEqual([session.version, session.state, picture]);
    expect(JSON.parse(String(bodyIn(lines)))).toMatchObject({ version: session.version, reference: session.reference });
  }
});

it('knows whether the session is polled, is idle, and when time changes it', () => {
  const newest = new NewestState();
  newest.keep(stateOf(idle));
  expect([newest.polled(), newest.isIdle(), newest.isElapsed(NOW + 20_000)]).toEqual([null, true, false]);
  newest.keep(stateOf(showing));
  expect(newest.polled()).toEqual({ sessionId: idle.id, instanceKey: idle.instanceKey, tenantId: idle.tenantId });
  expect([newest.isIdle(), newest.isElapsed(NOW + 19_999), newest.isElapsed(NOW + 20_000)]).toEqual([false, false, true]);
});

it('names the instance of the last state', () => {
  const newest = new NewestState();
  newest.keep(stateOf(showing));
  newest.keep(stateOf({ ...showing, instanceKey: 'another' }));
  expect(newest.polled()?.instanceKey).toBe('another');
});
