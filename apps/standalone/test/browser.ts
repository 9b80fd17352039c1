/**
 * For end-to-end tests: opens the system's Chromium without a window, and reads codes in its
 * screenshots.
 */

import { CHROMIUM_FLAGS, findChromium } from '@qrcast/bench/chromium-program';
import { decode as decodePng } from 'fast-png';
import { type Browser, chromium } from 'playwright-core';
import decodeQr from 'qr/decode.js';

/**
 * Far more than any step of a page takes. It is less than a test may take, so that the error names
 * what was waited for.
 */
const STEP_LIMIT_MS = 240_000;

/** @param needs `whole`: the shell does not load a hidden frame of another site */
export async function openBrowser(needs: 'shell' | 'whole' = 'shell'): Promise<Browser> {
  const program = findChromium(process.env['PATH'] ?? '', needs);
  if (program === null) {
    throw new Error('these tests need Chromium; install it (Debian: apt-get install chromium) or run `pnpm test` at the root');
  }
  const browser = await chromium.launch({ executablePath: program, args: CHROMIUM_FLAGS, timeout: STEP_LIMIT_MS });
  browser.on('context', (context) => context.setDefaultTimeout(STEP_LIMIT_MS));
  return browser;
}

/** @returns the text of the code in a screenshot. @throws {Error} if it has no readable code */
export function readScreenshot(screenshot: Uint8Array): string {
  const { width, height, data } = decodePng(screenshot); // 8 bits, with or without transparency
  return decodeQr({ width, height, data: Uint8Array.from(data) });
}
