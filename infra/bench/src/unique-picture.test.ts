import { expect, it } from 'vitest';
import { rotatingPicture } from './unique-picture.ts';

const PICTURES = [Buffer.from('one'), Buffer.from('two…')];

it('is the same for 20 s, then another one', () => {
  const at = 40_000;
  expect(rotatingPicture(PICTURES, 0, at)).toEqual(rotatingPicture(PICTURES, 0, at + 19_999));
  expect(rotatingPicture(PICTURES, 0, at)).not.toEqual(rotatingPicture(PICTURES, 0, at + 20_000));
});

it('begins with a drawn picture, and differs from that of every other instance', () => {
  const all = Array.from({ length: 100 }, (_, instance) => rotatingPicture(PICTURES, 3_100_000_000_00 + instance, 0));
  expect(new Set(all.map((picture) => picture.toString('base64'))).size).toBe(all.length);
  for (const picture of all) expect(PICTURES.some((drawn) => picture.subarray(0, drawn.length).equals(drawn))).toBe(true);
});

it('needs no padding in base64', () => {
  for (let instance = 0; instance < 10; instance++) {
    expect(rotatingPicture(PICTURES, instance, 0).toString('base64')).not.toContain('=');
  }
});
