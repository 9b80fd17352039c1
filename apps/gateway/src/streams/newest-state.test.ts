import type { Session } from '@qrcast/core/session';
import { Picture } from '@qrcast/runtime/sessions/picture';
import { encodeSession } from '@qrcast/runtime/sessions/session-codec';
import { sampleSession } from '@qrcast/runtime/test/runtime';
import { expect, it } from 'vitest';
import { NewestState } from './newest-state.ts';

const NOW = 1_790_000_000_000;
const idle = sampleSession({ reference: 'é "quoted"\n' }, NOW);
const code = { digest: 'd', text: null, issuedAt: NOW, staleAt: NOW + 20_000 };
const showing: Session = { ...idle, version: 2, login: 'offered', isProven: true, state: { kind: 'showing', code, notice: null } };

it('has nothing before the first state', () => {
  const newest = new NewestState();
  expect([newest.read(), newest.polled(), newest.isIdle(), newest.isElapsed(Number.MAX_VALUE)]).toEqual([null, null, false, false]);
});

it.each([
  ['from the text that was published', true],
  ['from the session, if it was read', false],
])('gives back the last state, %s', (_case, isPublished) => {
  const newest = new NewestState();
  const image = new Picture('data:image/png;base64,AAAA');
  newest.keep({ session: idle, image: null });
  newest.keep({ session: showing, image, ...(isPublished ? { record: encodeSession(showing) } : {}) });
  expect(newest.read()).toEqual({ session: showing, image });
  newest.keep({ session: idle, image: null });
  expect(newest.read()).toEqual({ session: idle, image: null });
});

it('knows whether the session is polled, is idle, and when time changes it', () => {
  const newest = new NewestState();
  newest.keep({ session: idle, image: null });
  expect([newest.polled(), newest.isIdle(), newest.isElapsed(NOW + 20_000)]).toEqual([null, true, false]);
  newest.keep({ session: showing, image: null });
  expect(newest.polled()).toEqual({ sessionId: idle.id, instanceKey: idle.instanceKey, tenantId: idle.tenantId });
  expect([newest.isIdle(), newest.isElapsed(NOW + 19_999), newest.isElapsed(NOW + 20_000)]).toEqual([false, false, true]);
});

it('names the instance of the last state', () => {
  const newest = new NewestState();
  newest.keep({ session: showing, image: null });
  newest.keep({ session: { ...showing, instanceKey: 'another' }, image: null });
  expect(newest.polled()?.instanceKey).toBe('another');
});
