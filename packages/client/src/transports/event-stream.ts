/**
 * Parses `text/event-stream` as it arrives, in pieces of any size. Follows "Server-sent events" of
 * the WHATWG HTML standard, but ignores `retry`, because the client has its own backoff, and `id`,
 * because the messages contain their version.
 */

export interface StreamEvent {
  readonly type: string;
  readonly data: string;
}

/** A session with its picture has about 15 kB. */
const MAX_EVENT_CHARS = 1_000_000;

export interface EventStreamParser {
  /** @throws {RangeError} if an event is longer than `MAX_EVENT_CHARS` */
  feed(text: string): void;
}

export function createEventStreamParser(onEvent: (event: StreamEvent) => void): EventStreamParser {
  let rest = '';
  let type = '';
  let data: string[] = [];
  let chars = 0;

  function line(text: string): void {
    if (text === '') {
      if (data.length > 0) onEvent({ type: type === '' ? 'message' : type, data: data.join('\n') });
      type = '';
      data = [];
      chars = 0;
      return;
    }
    const colon = text.indexOf(':');
    const field = colon < 0 ? text : text.slice(0, colon); // empty for a comment
    const value = colon < 0 ? '' : text.slice(colon + (text[colon + 1] === ' ' ? 2 : 1));
    if (field === 'event') type = value;
    if (field === 'data') data.push(value);
    chars += text.length;
  }

  return {
    feed(text) {
      rest += text;
      // A CR at the end may be the first half of a CRLF.
      const end = Math.max(rest.lastIndexOf('\n') + 1, rest.lastIndexOf('\r', rest.length - 2) + 1);
      const lines = rest.slice(0, end).split(/\r\n|\n|\r/);
      rest = rest.slice(end);
      for (const text of lines.slice(0, -1)) line(text);
      if (rest.length + chars > MAX_EVENT_CHARS) throw new RangeError(`expected events of at most ${MAX_EVENT_CHARS} characters`);
    },
  };
}
