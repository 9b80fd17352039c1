/**
 * Keeps the stream of the overview open. It tries again with growing pauses, never before the gateway
 * wants to be asked again, and says so. It gives up only if the key is refused, or if there is no
 * gateway at the address.
 */

import type { Overview } from '@qrcast/core/overview';
import { type Api, type Failure, waitOf } from './api.ts';
import type { ServerEvent } from './parse-events.ts';
import { readStream } from './read-stream.ts';

export type FeedState =
  /** `failure`: why the connection before was lost, if there was one. */
  | { readonly kind: 'connecting'; readonly failure: Failure | null }
  | { readonly kind: 'live' }
  /** `retryAt` in ms of the local clock. */
  | { readonly kind: 'lost'; readonly retryAt: number; readonly failure: Failure }
  | { readonly kind: 'refused'; readonly failure: Failure };

export interface FeedDeps {
  readonly api: Pick<Api, 'open'>;
  readonly path: string;
  readonly onOverview: (overview: Overview) => void;
  readonly onState: (state: FeedState) => void;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * The pause before the next try, with up to a quarter more, so that not all return at once.
 *
 * @param failures tries that have failed since the last event. A gateway that stops sends each reader
 * away for a time of its own choice: after an event that time is taken as it is.
 * @param waitMs for how long the gateway does not want to be asked
 */
export function pauseMs(failures: number, waitMs: number, isDrained: boolean, random: number): number {
  if (isDrained && failures === 1) return waitMs;
  const grown = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
  return Math.round(Math.max(waitMs, grown) * (1 + random / 4));
}

/** @param failure why the one before was lost: nobody is asked before its time */
export function openOverviewFeed({ api, path, onOverview, onState }: FeedDeps, failure: Failure | null = null): { close(): void } {
  let abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let isClosed = false;

  async function connect(before: Failure | null): Promise<void> {
    abort = new AbortController();
    onState({ kind: 'connecting', failure: before });
    const failed = await readStream(api, path, abort, take);
    if (isClosed) return;
    if (failed.trouble === 'wrongKey' || failed.trouble === 'forbidden' || failed.trouble === 'noApi') {
      onState({ kind: 'refused', failure: failed });
      return;
    }
    const now = Date.now();
    retryAt(now + pauseMs(++failures, waitOf(failed, now), failed.trouble === 'draining', Math.random()), failed);
  }

  function retryAt(at: number, failed: Failure): void {
    onState({ kind: 'lost', retryAt: at, failure: failed });
    timer = setTimeout(() => void connect(failed), at - Date.now());
  }

  function take({ event, data }: ServerEvent): void {
    if (event !== 'sessions' || isClosed) return;
    failures = 0;
    onOverview(JSON.parse(data) as Overview);
    onState({ kind: 'live' });
  }

  const wait = waitOf(failure, Date.now());
  if (failure !== null && wait > 0) retryAt(Date.now() + wait, failure);
  else void connect(failure);
  return {
    close() {
      isClosed = true;
      clearTimeout(timer);
      abort.abort();
    },
  };
}
