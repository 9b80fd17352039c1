/** Reads one stream of the gateway to its end, and says in a person's words why it ended. */

import { type Api, type Failure, NO_CONNECTION } from './api.ts';
import { createEventParser, type ServerEvent } from './parse-events.ts';
import { retryAtOf } from './retry-after.ts';

/** The gateway sends a comment every 15 s. */
const SILENCE_MS = 40_000;

/** By the reasons with which the gateway ends a stream. */
const TROUBLES: Readonly<Record<string, Failure['trouble']>> = {
  unauthenticated: 'wrongKey',
  forbidden: 'forbidden',
  draining: 'draining',
  slow_consumer: 'tooSlow',
  too_many_requests: 'tooMany',
  unavailable: 'unavailable',
};

/** Reads until the stream ends. Returns why. */
export async function readStream(
  api: Pick<Api, 'open'>,
  path: string,
  abort: AbortController,
  onEvent: (event: ServerEvent) => void,
): Promise<Failure> {
  const answer = await api.open(path, abort.signal);
  if (!answer.ok) return answer.failure;
  try {
    return await readEvents(answer.body, onEvent, () => abort.abort());
  } catch {
    return NO_CONNECTION; // the connection was cut, or we did it
  }
}

/** `onSilence` is called if nothing has come for too long. */
async function readEvents(
  body: ReadableStream<Uint8Array>,
  onEvent: (event: ServerEvent) => void,
  onSilence: () => void,
): Promise<Failure> {
  const parse = createEventParser();
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let failure = NO_CONNECTION;
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
  const { code = '', retryAfterMs }: { code?: string; retryAfterMs?: unknown } = JSON.parse(data);
  const trouble = Object.hasOwn(TROUBLES, code) ? TROUBLES[code] : undefined;
  return { trouble: trouble ?? 'noConnection', detail: null, retryAt: retryAtOf(null, retryAfterMs, Date.now()) };
}
