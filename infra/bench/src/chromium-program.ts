/** Which Chromium is driven by tests and benchmarks, and how it is started. */

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

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
export const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Null if there is none on `path`. @param needs `whole`: the shell does not load a hidden frame of another site */
export function findChromium(path: string, needs: 'shell' | 'whole' = 'shell'): string | null {
  const programs = needs === 'whole' ? WHOLE : [SHELL, ...WHOLE];
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
