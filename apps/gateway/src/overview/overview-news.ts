/**
 * Tells one reader of the overview what has changed since it was told last. One message is under way
 * at a time: what happens meanwhile is told in one, so a slow reader costs no memory.
 */

import { type Overview, overviewNews, type Reading } from '@qrcast/core/overview';
import type { OverviewReader } from './overview.ts';

export interface NewsSink {
  /** `sent`: call it when the message was taken. */
  send(news: Overview, sent: () => void): void;
  /** The sessions that were told are the last known. */
  fault(): void;
  /** The reader has not taken a message for `SEND_WITHIN_MS`. Called once. */
  onSlow(): void;
}

/** As of a stream of a session. */
export const SEND_WITHIN_MS = 15_000;

export interface NewsTeller extends OverviewReader {
  /** Nothing is sent after it. */
  close(): void;
}

export function createNewsTeller(sink: NewsSink): NewsTeller {
  let told: Reading | null = null;
  let newest: Reading | null = null;
  let underWay: NodeJS.Timeout | null = null;
  let isClosed = false;

  function tell(): void {
    if (isClosed || underWay !== null || newest === null) return;
    const news = overviewNews(told, newest);
    told = newest;
    if (news === null) return;
    underWay = setTimeout(sink.onSlow, SEND_WITHIN_MS);
    sink.send(news, () => {
      if (underWay !== null) clearTimeout(underWay);
      underWay = null;
      tell();
    });
  }

  return {
    onReading(reading) {
      newest = reading;
      tell();
    },
    onFault() {
      if (!isClosed && underWay === null) sink.fault();
    },
    close() {
      isClosed = true;
      if (underWay !== null) clearTimeout(underWay);
    },
  };
}
