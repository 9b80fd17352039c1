import { parsePicture } from '@qrcast/provider/picture';
import { expect, it } from 'vitest';
import { createPictures } from './picture.ts';

it('makes pictures that the provider client accepts, of the size of real ones, each different', () => {
  const pictures = createPictures(3);
  const digests = pictures.map((picture) => parsePicture(picture)?.digest);
  expect(new Set(digests).size).toBe(3);
  expect(digests).not.toContain(undefined);
  for (const picture of pictures) expect(picture.length).toBeGreaterThan(4_500);
  for (const picture of pictures) expect(picture.length).toBeLessThan(5_600);
});
