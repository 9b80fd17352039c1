/**
 * The code in the terminal, for the one who starts qrcast with a real instance and a phone at hand. What a plain login prints, but nobody reads
 * what is typed here: for all else there is the page.
 */

import { watchSession } from '@qrcast/client';
import type { Snapshot } from '@qrcast/client/types';
import { endingOf } from '../login/ending.ts';
import { createPrinter, plainLines } from '../login/view-plain.ts';

export interface TerminalOptions {
  readonly url: string;
  readonly ticket: string;
  readonly pageUrl: string;
  readonly write: (text: string) => void;
}

/** Prints each new code and each new state. Returns its end. */
export function showInTerminal({ url, ticket, pageUrl, write }: TerminalOptions): () => void {
  const watch = watchSession({ url, ticket, formats: ['text'] });
  const print = createPrinter({ pageUrl, colours: true, linesOf: linesBesidePage });
  const show = (): void => write(print(watch.snapshot, watch.serverNow()));
  watch.subscribe(show);
  show();
  return () => watch.close();
}

/** An end is told here, for nobody else does, and by its word: the sentences of `login` are about its options. */
export function linesBesidePage(snapshot: Snapshot, serverNow: number | null, pageUrl: string): readonly string[] {
  const { session } = snapshot;
  switch (session?.state) {
    case 'connected':
      return [endingOf(session)?.sentence ?? ''];
    case 'password':
      return ['The code was scanned. The account is also protected by a password. Give it on the page:', pageUrl];
    case 'ended': {
      const ended = `Ended: ${session.end?.reason ?? 'unknown'}.`;
      return session.end?.resumable === true ? [`${ended} Open the page for a new code:`, pageUrl] : [ended];
    }
    default:
      return plainLines(snapshot, serverNow, pageUrl);
  }
}
