/**
 * Writes plain lines, for output that is no terminal or cannot move its cursor. Each new code and
 * each new text about the state is written once. report.ts writes how the login ended.
 */

import type { Snapshot } from '@qrcast/client/types';
import { drawCode, FULL_QUIET_ZONE } from './code.ts';
import { endingOf } from './ending.ts';
import type { LoginView } from './view.ts';
import { isPictureOnly, promptOf, statusOf } from './words.ts';

export interface PlainViewOptions {
  readonly write: (text: string) => void;
  /** Writes to the person, even if the output goes elsewhere. */
  readonly ask: (text: string) => void;
  readonly colours: boolean;
  /** Whether somebody can type. */
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
    password(prompt) {
      if (prompt !== null) ask(`${promptOf(prompt, hasTerminal).join('\n')}\n`);
    },
    close: () => undo(),
  };
}

export interface PrinterOptions {
  readonly pageUrl: string;
  readonly colours: boolean;
  readonly linesOf: typeof plainLines;
}

/** @returns the text to print after each change, which is often empty */
export function createPrinter({ pageUrl, colours, linesOf }: PrinterOptions): (snapshot: Snapshot, serverNow: number | null) => string {
  let drawn: string | null = null;
  let said = '';
  return (snapshot, serverNow) => {
    const text = snapshot.session?.code?.text ?? null;
    const isNewCode = text !== null && text !== drawn;
    const picture = isNewCode ? `\n${drawCode(text, { border: FULL_QUIET_ZONE, colours }).lines.join('\n')}\n` : '';
    drawn = text; // an expired code is drawn again if it is confirmed
    const status = linesOf(snapshot, serverNow, pageUrl).join('\n');
    const isNews = status !== said || isNewCode;
    said = status;
    return isNews && status !== '' ? `${picture}${status}\n` : '';
  };
}

/**
 * @returns a text about the state, with the page's address if only the page can show the code;
 * empty at the end
 */
export function plainLines(snapshot: Snapshot, serverNow: number | null, pageUrl: string): readonly string[] {
  const { session } = snapshot;
  if (session !== null && endingOf(session) !== null) return [];
  return [...statusOf(snapshot, serverNow), ...(isPictureOnly(session?.code ?? null, serverNow) ? [pageUrl] : [])];
}
