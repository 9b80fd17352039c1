/**
 * Keeps the stream of the overview open. It tries again with growing pauses, and says so. It gives up
 * only if the key is refused, or if there is no gateway at the address.
 */

import type { Overview } from '@qrcast/core/overview';
import type { Api, Failure } from './api.ts';
import { createEventParser, type ServerEvent } from './parse-events.ts';

export type FeedState =
  | { readonly kind: 'connecting' }
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
/** The gateway sends a comment every 15 s. */
const SILENCE_MS = 40_000;
const ENDED: Failure = { trouble: 'noConnection', detail: null };

/** The pause before try number `failures`, with up to a quarter more, so that not all return at once. */
export function pauseMs(failures: number, random: number): number {
  return Math.round(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1)) * (1 + random / 4));
}

export function openOverviewFeed({ api, path, onOverview, onState }: FeedDeps): { close(): void } {
  let abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let isClosed = false;

  async function connect(): Promise<void> {
    abort = new AbortController();
    onState({ kind: 'connecting' });
    const failure = await follow(abort);
    if (isClosed) return;
    if (failure.trouble === 'wrongKey' || failure.trouble === 'forbidden' || failure.trouble === 'noApi') {
      onState({ kind: 'refused', failure });
      return;
    }
    const pause = pauseMs(++failures, Math.random());
    onState({ kind: 'lost', retryAt: Date.now() + pause, failure });
    timer = setTimeout(() => void connect(), pause);
  }

  /** Reads until the stream ends. Returns why. */
  async function follow({ signal }: AbortController): Promise<Failure> {
    const answer = await api.open(path, signal);
    if (!answer.ok) return answer.failure;
    try {
      return await readEvents(answer.body, take, () => abort.abort());
    } catch {
      return ENDED; // the connection was cut, or we did it
    }
  }

  function take({ event, data }: ServerEvent): void {
    if (event !== 'sessions' || isClosed) return;
    failures = 0;
    onOverview(JSON.parse(data) as Overview);
    onState({ kind: 'live' });
  }

  void connect();
  return {
    close() {
      isClosed = true;
      clearTimeout(timer);
      abort.abort();
    },
  };
}

const REFUSALS: Readonly<Record<string, Failure['trouble']>> = { unauthenticated: 'wrongKey', forbidden: 'forbidden' };

/** `onSilence` is called if nothing has come for too long. */
async function readEvents(
  body: ReadableStream<Uint8Array>,
  onEvent: (event: ServerEvent) => void,
  onSilence: () => void,
): Promise<Failure> {
  const parse = createEventParser();
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let failure = ENDED;
  for (;;) {
    const silence = setTimeout(onSilence, SILENCE_MS);
    const { done, value } = await reader.read().finally(() => clearTimeout(silence));
    if (done) return failure;
    for (const event of parse(decoder.decode(value, { stream: true }))) {
      if (event.event === 'closing') failure = closingOf(event.data);
      onEvent(event);
    }
  }
}

function closingOf(data: string): Failure {
  const { code }: { code?: string } = JSON.parse(data);
  return { trouble: REFUSALS[code ?? ''] ?? 'noConnection', detail: null };
}
