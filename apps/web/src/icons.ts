/**
 * The icons above the text, where there is no code. They are decoration: the text says the same.
 */

import { type Markup, svg } from './tidy-html.ts';

export type Icon = keyof typeof PATHS;

const PATHS = {
  check: 'M5 12.8l4.6 4.6L19.2 7.2',
  lock: 'M7.2 11V8a4.8 4.8 0 0 1 9.6 0v3M6.4 11h11.2a1.6 1.6 0 0 1 1.6 1.6v5.8a1.6 1.6 0 0 1-1.6 1.6H6.4a1.6 1.6 0 0 1-1.6-1.6v-5.8A1.6 1.6 0 0 1 6.4 11z',
  clock: 'M12 3.6a8.4 8.4 0 1 1 0 16.8a8.4 8.4 0 1 1 0-16.8zM12 7.6V12l3 2.2',
  dots: 'M6 12h.01M12 12h.01M18 12h.01',
  alert: 'M12 3.6a8.4 8.4 0 1 1 0 16.8a8.4 8.4 0 1 1 0-16.8zM12 7.8v5M12 16v.2',
} as const;

export function iconTemplate(icon: Icon): Markup {
  return svg`<path pathLength="1" d=${PATHS[icon]} />`;
}
