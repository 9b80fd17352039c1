/**
 * Prints the code in the terminal, for someone who starts qrcast with a real instance and has a
 * phone at hand. It prints what a plain login prints, but reads no input: the page does the rest.
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

/** Prints each new code and each new state. @returns a function that stops it */
export function showInTerminal({ url, ticket, pageUrl, write }: TerminalOptions): () => void {
  const watch = watchSession({ url, ticket, formats: ['text'] });
  const print = createPrinter({ pageUrl, colours: true, linesOf: linesBesidePage });
  const show = (): void => write(print(watch.snapshot, watch.serverNow()));
  watch.subscribe(show);
  show();
  return () => watch.close();
}

/**
 * Names the end, because nothing else reports it here. The sentences of `login` are not used: they
 * mention its options.
 */
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
