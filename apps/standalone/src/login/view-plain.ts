/**
 * Plain lines, for output that is no terminal or cannot move its cursor: each new code once, each new word of the state once. How it ended is the
 * report's to tell.
 */

import type { Snapshot } from '@qrcast/client/types';
import { drawCode, FULL_QUIET_ZONE } from './code.ts';
import { endingOf } from './ending.ts';
import type { LoginView } from './view.ts';
import { isPictureOnly, statusOf, turnOf } from './words.ts';

export interface PlainViewOptions {
  readonly write: (text: string) => void;
  /** To the person who is asked, wherever the output goes. */
  readonly ask: (text: string) => void;
  readonly colours: boolean;
  /** There is somebody to type. */
  readonly hasTerminal: boolean;
}

export function createPlainView({ write, ask, colours, hasTerminal }: PlainViewOptions): LoginView {
  let undo = (): void => undefined;
  return {
    watch(watch, pageUrl) {
      const print = createPrinter({ pageUrl, colours, linesOf: plainLines });
      const show = (): void => write(print(watch.snapshot, watch.serverNow()));
      undo = watch.subscribe(show);
      show();
    },
    password(turn) {
      if (turn !== null) ask(`${turnOf(turn, hasTerminal).join('\n')}\n`);
    },
    close: () => undo(),
  };
}

export interface PrinterOptions {
  readonly pageUrl: string;
  readonly colours: boolean;
  readonly linesOf: typeof plainLines;
}

/** What is to be printed after each change; often nothing. */
export function createPrinter({ pageUrl, colours, linesOf }: PrinterOptions): (snapshot: Snapshot, serverNow: number | null) => string {
  let drawn: string | null = null;
  let said = '';
  return (snapshot, serverNow) => {
    const text = snapshot.session?.code?.text ?? null;
    const isNewCode = text !== null && text !== drawn;
    const picture = isNewCode ? `\n${drawCode(text, { border: FULL_QUIET_ZONE, colours }).lines.join('\n')}\n` : '';
    drawn = text; // one that expired is drawn again, should it be confirmed
    const status = linesOf(snapshot, serverNow, pageUrl).join('\n');
    const isNews = status !== said || isNewCode;
    said = status;
    return isNews && status !== '' ? `${picture}${status}\n` : '';
  };
}

/** Where things stand, with the page where only that can show the code; none at the end. */
export function plainLines(snapshot: Snapshot, serverNow: number | null, pageUrl: string): readonly string[] {
  const { session } = snapshot;
  if (session !== null && endingOf(session) !== null) return [];
  return [...statusOf(snapshot, serverNow), ...(isPictureOnly(session?.code ?? null, serverNow) ? [pageUrl] : [])];
}
