/** Reads Server-Sent Events from the parts of a stream. `EventSource` would send no header with the key. */

export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

/** @returns a function that takes the next part of the text, and returns the events that it completes */
export function createEventParser(): (part: string) => readonly ServerEvent[] {
  let rest = '';
  return (part) => {
    const blocks = (rest + part).replaceAll('\r\n', '\n').split('\n\n');
    rest = blocks.pop() ?? '';
    return blocks.flatMap((block) => eventOf(block) ?? []);
  };
}

/** Null for a comment, which only shows that the stream lives. */
function eventOf(block: string): ServerEvent | null {
  const fields = block.split('\n').map((line) => /^(event|data): ?(.*)$/.exec(line));
  const valuesOf = (name: string): string[] => fields.flatMap((field) => (field?.[1] === name ? (field[2] ?? '') : []));
  const data = valuesOf('data');
  return data.length === 0 ? null : { event: valuesOf('event').at(-1) ?? 'message', data: data.join('\n') };
}
