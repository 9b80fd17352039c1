import { expect, it } from 'vitest';
import { Picture } from './picture.ts';

it('is kept as it was, whatever it holds', () => {
  const picture = new Picture('first');
  for (const url of ['data:image/png;base64,AAAA', '', '"\\\n\u0000é\ud83d\ude00', 'data:image/png;base64,BB']) {
    picture.write(url);
    expect(String(picture)).toBe(url);
    expect(JSON.parse(String(picture.json))).toBe(url);
  }
});
