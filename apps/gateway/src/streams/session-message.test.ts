import { toWire, wireSessionSchema } from '@qrcast/core/wire';
import { Picture } from '@qrcast/runtime/sessions/picture';
import { changeOf } from '@qrcast/runtime/sessions/published-state';
import { sampleSession } from '@qrcast/runtime/test/runtime';
import { expect, it } from 'vitest';
import { createSessionMessage, joinBytes, keepMessage } from './session-message.ts';

const URL = 'data:image/png;base64,iVBORw0KGgo=';
const code = { digest: 'a', text: 'https://max.ru/:auth/é', issuedAt: 1, staleAt: 2 };
/** A tenant's text that looks like the place of the picture. */
const REFERENCE = '"code":{"image":null, я "code":{"image":';
const shown = { ...sampleSession({ reference: REFERENCE }), state: { kind: 'showing', code, notice: null } } as const;
const waiting = { ...shown, state: { kind: 'waiting', notice: null } } as const;

it.each([
  ['a code with its picture', shown, URL, ['image', 'text']],
  ['a code for a viewer of texts', shown, URL, ['text']],
  ['a code for a viewer of pictures', shown, URL, ['image']],
  ['a code whose picture is lost', shown, null, ['image', 'text']],
  ['a picture that is no data URL', shown, '"\\\n\u0000é', ['image']],
  ['no code', waiting, URL, ['image', 'text']],
] as const)('%s has the same JSON in pieces as in one', (_case, session, url, formats) => {
  const image = url === null ? null : new Picture(url);
  const message = createSessionMessage({ ...changeOf({ session, image: null }), image }, 3, 9, formats);
  const joined = JSON.parse(String(joinBytes(message.json())));
  expect(joined).toEqual(toWire(session, { image: url, viewers: 3, now: 9, formats }));
  expect(joined).toEqual(message.session);
  expect(wireSessionSchema.parse(joined)).toMatchObject({ reference: REFERENCE, viewers: 3, serverNow: 9 });
  const isShown = session === shown && (formats as readonly string[]).includes('image');
  expect(message.session.code?.image ?? null).toBe(isShown ? url : null);
  expect(message.version).toBe(session.version);
});

it('joins texts and bytes', () => {
  expect(String(joinBytes(['é', Buffer.from('b'), '']))).toBe('éb');
  expect(joinBytes([])).toHaveLength(0);
});

it('a message that is kept has its own picture, whatever code comes next', () => {
  const image = new Picture(URL);
  const state = { ...changeOf({ session: shown, image: null }), image };
  const message = createSessionMessage(state, 1, 9, ['image']);
  const [kept, twin] = [keepMessage(message), createSessionMessage(state, 1, 9, ['image'])];
  image.write('data:image/png;base64,AAAA');
  const imageIn = ({ json }: typeof message): unknown => JSON.parse(String(joinBytes(json()))).code?.image;
  expect([imageIn(kept), kept.session.code?.image]).toEqual([URL, URL]);
  expect(() => expect(imageIn(twin)).toBe(URL)).toThrow(); // twin: not kept
});
