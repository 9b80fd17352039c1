/**
 * For end-to-end tests: opens the system's Chromium without a window, and reads codes in its
 * screenshots.
 */

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { decode as decodePng } from 'fast-png';
import { type Browser, chromium } from 'playwright-core';
import decodeQr from 'qr/decode.js';

/**
 * The shell is Chromium without its own windows. A page of it costs 0.4 s of processor time, one of
 * the whole program 2 s.
 */
const SHELL = 'chromium-headless-shell';
const WHOLE = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/**
 * Root can have no sandbox. Without the other flags, Chromium calls its maker's servers at every
 * start.
 */
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * Far more than any step of a page takes. It is less than a test may take, so that the error names
 * what was waited for.
 */
const STEP_LIMIT_MS = 240_000;

/** @param needs `whole`: the shell does not load a hidden frame of another site */
export async function openBrowser(needs: 'shell' | 'whole' = 'shell'): Promise<Browser> {
  const programs = needs === 'whole' ? WHOLE : [SHELL, ...WHOLE];
  const program = findProgram(programs, process.env['PATH'] ?? '');
  if (program === null) {
    throw new Error('these tests need Chromium; install it (Debian: apt-get install chromium) or run `pnpm test` at the root');
  }
  const browser = await chromium.launch({ executablePath: program, args: ARGS, timeout: STEP_LIMIT_MS });
  browser.on('context', (context) => context.setDefaultTimeout(STEP_LIMIT_MS));
  return browser;
}

function findProgram(programs: readonly string[], path: string): string | null {
  for (const folder of path.split(delimiter)) {
    for (const program of programs) {
      try {
        accessSync(join(folder, program), constants.X_OK);
        return join(folder, program);
      } catch {
        // not in this folder
      }
    }
  }
  return null;
}

/** @returns the text of the code in a screenshot. @throws {Error} if it has no readable code */
export function readScreenshot(screenshot: Uint8Array): string {
  const { width, height, data } = decodePng(screenshot); // 8 bits, with or without transparency
  return decodeQr({ width, height, data: Uint8Array.from(data) });
}
