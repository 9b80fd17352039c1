/** For end-to-end tests of the hosted page: its code can be scanned from every kind of screen. */

import { expect } from 'vitest';
import type { HostedOptions, HostedPages } from './hosted-pages.ts';
import { doubleText, isTooWide, PHONE, SMALL_PHONE, scanScreen, untilState } from './page.ts';

export type Look = readonly [colorScheme: 'light' | 'dark', deviceScaleFactor: 1 | 2];

export async function checkDesktopAndPhone({ openLogin }: HostedPages, [colorScheme, deviceScaleFactor]: Look): Promise<void> {
  await Promise.all(
    [{}, PHONE].map(async (screen) => {
      const { page, instance } = await openLogin({ ...screen, colorScheme, deviceScaleFactor });
      await untilState(page, 'showing');
      expect(await scanScreen(page)).toBe(instance.code());
      expect(await isTooWide(page)).toBe(false);
    }),
  );
}

export const UNUSUAL = {
  smallest: ['on the smallest phone', SMALL_PHONE],
  longer: ['in the longer language', { ...SMALL_PHONE, query: '?lang=ru' }],
  forced: ['in colours of the person’s own', { forcedColors: 'active' }],
} as const satisfies Record<string, readonly [name: string, HostedOptions]>;

/** It can also be scanned with letters twice as large. */
export async function checkUnusual({ openLogin }: HostedPages, options: HostedOptions): Promise<void> {
  const { page, instance } = await openLogin(options);
  await untilState(page, 'showing');
  expect(await scanScreen(page)).toBe(instance.code());
  await doubleText(page);
  await page.locator('#code').scrollIntoViewIfNeeded();
  expect(await scanScreen(page)).toBe(instance.code());
  expect(await isTooWide(page)).toBe(false);
}
