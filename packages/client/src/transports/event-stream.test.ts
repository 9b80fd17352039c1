import { describe, expect, it } from 'vitest';
import { createEventStreamParser, type StreamEvent } from './event-stream.ts';

function parse(...pieces: string[]): StreamEvent[] {
  const events: StreamEvent[] = [];
  const parser = createEventStreamParser((event) => events.push(event));
  for (const piece of pieces) parser.feed(piece);
  return events;
}

const STREAM = [
  'retry: 1500',
  '',
  'event: session',
  'id: 7',
  'data: {"a":',
  'data: "ü: ✓"}',
  '',
  ':',
  '',
  'event:fresh',
  'data:{}',
  '',
  '',
];
const EVENTS = [
  { type: 'session', data: '{"a":\n"ü: ✓"}' },
  { type: 'fresh', data: '{}' },
];

describe('an event stream', () => {
  it.each(['\n', '\r\n', '\r'])('is parsed with lines that end in %j, wherever it is split', (eol) => {
    const text = STREAM.join(eol);
    for (let cut = 0; cut <= text.length; cut++) expect(parse(text.slice(0, cut), text.slice(cut), eol)).toEqual(EVENTS);
    expect(parse(...text, eol)).toEqual(EVENTS);
  });

  it('reports nothing before an event is complete', () => {
    expect(parse('event: session\ndata: {}\n')).toEqual([]);
  });

  it('otherwise follows the standard: no event without data, no name means message, one blank is dropped', () => {
    expect(parse('event: a\n\ndata\n\n')).toEqual([{ type: 'message', data: '' }]);
    expect(parse('data:  two\nunknown: field\nno colon\n\n')).toEqual([{ type: 'message', data: ' two' }]);
  });

  it('does not buffer an endless event', () => {
    const events: StreamEvent[] = [];
    const parser = createEventStreamParser((event) => events.push(event));
    const chunk = `data: ${'x'.repeat(99_990)}\n`;
    expect(() => {
      for (let i = 0; i < 20; i++) parser.feed(chunk);
    }).toThrow(RangeError);
    expect(() => parse('x'.repeat(1_000_001))).toThrow(RangeError);
    expect(parse(...Array.from({ length: 20 }, () => `${chunk}\n`))).toHaveLength(20);
  });
});
