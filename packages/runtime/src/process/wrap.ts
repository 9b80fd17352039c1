/** Breaks text into lines for a document. */

/** Code in backticks stays on one line. */
const SPACE_OUTSIDE_CODE = / (?=(?:[^`]*`[^`]*`)*[^`]*$)/;

export function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(SPACE_OUTSIDE_CODE)) {
    const line = lines.at(-1) ?? '';
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
