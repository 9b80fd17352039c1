import { describe, expect, test } from 'vitest';
import { refusalOf } from '../test/refusal.ts';
import { parseRequest } from './requests.ts';
import { clientFrameSchema } from './stream-messages.ts';

/** One frame of each type, with the fields that it must have. */
const FRAMES = [
  { type: 'subscribe', ticket: 'a' },
  { type: 'unsubscribe', sessionId: 'ses_1' },
  { type: 'password', sessionId: 'ses_1', password: 'secret' },
  { type: 'resume', sessionId: 'ses_1' },
  { type: 'start_over', sessionId: 'ses_1' },
  { type: 'visible', visible: false },
  { type: 'ping' },
];

describe.each(FRAMES)('the frame $type', (frame) => {
  test.each([undefined, 0, 1, 'r', 'r'.repeat(64)])('may have the mark %j', (ref) => {
    const marked = ref === undefined ? frame : { ...frame, ref };
    expect(parseRequest(clientFrameSchema, marked)).toEqual(marked);
  });

  test.each([-1, 0.5, '', 'r'.repeat(65), null])('may not have the mark %j', (ref) => {
    expect(refusalOf(clientFrameSchema, { ...frame, ref }).message).toMatch(/^ref: /);
  });

  test('has no other fields', () => {
    expect(refusalOf(clientFrameSchema, { ...frame, colour: 'red' }).message).toContain('unknown field "colour"');
  });
});

test('a frame of another type is refused with the types that there are', () => {
  expect(refusalOf(clientFrameSchema, { type: 'shout' }).message).toBe(
    `type: expected one of ${FRAMES.map(({ type }) => type).join(', ')} (came: string of 5)`,
  );
});
