/**
 * Checks the Excel module as far as that is possible without Excel: its blocks are closed, its
 * names are declared (as `Option Explicit` demands), its paths are those of the API, and it
 * contains no secret.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXAMPLES } from './test-program.ts';

const SOURCE = readFileSync(join(EXAMPLES, 'vba/Login.bas'), 'utf8');

/** The lines of code: continued lines joined, comments removed, texts emptied. */
function codeLines(source: string): string[] {
  const joined = source.replaceAll('\r\n', '\n').replaceAll(/ _\n\s*/g, ' ');
  return joined.split('\n').map((line) =>
    line
      .replaceAll(/"(?:[^"]|"")*"/g, '""')
      .replace(/'.*$/, '')
      .trim(),
  );
}

/** The statements that open a block and those that close it. */
const BLOCKS: readonly (readonly [RegExp, RegExp])[] = [
  [/^(?:Public|Private) (?:Sub|Function) /, /^End (?:Sub|Function)$/],
  [/^If .* Then$/, /^End If$/],
  [/^Do(?: |$)/, /^Loop(?: |$)/],
  [/^For /, /^Next(?: |$)/],
];

/** Returns the faults with their lines; none for a module whose blocks nest. */
function blockFaults(lines: readonly string[]): string[] {
  const open: { readonly end: RegExp; readonly line: string }[] = [];
  const faults: string[] = [];
  for (const line of lines) {
    const opened = BLOCKS.find(([begin]) => begin.test(line));
    if (opened !== undefined) open.push({ end: opened[1], line });
    else if (BLOCKS.some(([, end]) => end.test(line)) && open.pop()?.end.test(line) !== true) faults.push(`closes nothing: ${line}`);
  }
  return [...faults, ...open.map(({ line }) => `not closed: ${line}`)];
}

/** Words of the language and of Excel that the module uses. */
const KNOWN = new Set(
  `Public Private Sub Function End As Long String Double Boolean Date Object Worksheet Range Const ByVal ByRef Optional Dim Set If Then Else
  For To Next Do Until While Loop On Error GoTo Exit Or And Not True False Option Explicit Attribute VB_Name vbObjectError Err Application
  WorksheetFunction ActiveSheet Array Split InStr Mid$ Trim$ Environ$ Val Rnd Randomize Now DoEvents CreateObject UBound`
    .split(/\s+/)
    .map((word) => word.toLowerCase()),
);

/** Returns the names that the module does not declare, in one procedure or globally. */
function undeclared(lines: readonly string[]): string[] {
  const declared = lines.flatMap((line) => {
    const names = [
      ...line.matchAll(
        /(?:^Dim |, |ByVal |ByRef |Const |Sub |Function |\()(?:ByVal |ByRef |Optional ByVal )?([A-Za-z]\w*)(?:\(\))?(?= As |\()/g,
      ),
    ];
    return [...names.map(([, name]) => name), /^(\w+):$/.exec(line)?.[1], /^Public Sub (\w+)/.exec(line)?.[1]];
  });
  const known = new Set([...KNOWN, ...declared.map((name) => name?.toLowerCase())]);
  // Members after a dot and named arguments belong to Excel.
  const words = lines.flatMap((line) => [...line.matchAll(/(?<![.\w])([A-Za-z]\w*\$?)(?!\w|:=)/g)].map(([, word = '']) => word));
  return [...new Set(words)].filter((word) => !known.has(word.toLowerCase()));
}

describe('the VBA example', () => {
  const lines = codeLines(SOURCE);

  it('is a module that the editor imports: CRLF, plain ASCII, named, with Option Explicit', () => {
    expect(SOURCE.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
    expect(SOURCE).toMatch(/^[\x00-\x7f]*$/);
    expect(lines.slice(0, 2)).toEqual(['Attribute VB_Name = ""', 'Option Explicit']);
  });

  it('closes every block and every text', () => {
    expect(blockFaults(lines)).toEqual([]);
    expect(lines.filter((line) => line.replaceAll('""', '').includes('"'))).toEqual([]);
    const withoutLoop = lines.filter((line) => !line.startsWith('Loop'));
    expect(blockFaults(withoutLoop)).not.toEqual([]);
  });

  it('declares every name', () => {
    expect(undeclared(lines)).toEqual([]);
    expect(undeclared([...lines, 'answre = 1'])).toEqual(['answre']);
  });

  it('calls the paths of the API', () => {
    expect(SOURCE.match(/"\/v1[^"]*"/g)).toEqual(['"/v1/sessions"', '"/v1/sessions/"']);
    expect(SOURCE).toContain('"?formats=text&wait="');
  });

  it('reads every setting from the environment', () => {
    expect(SOURCE).not.toMatch(/qk_|eyJ|[0-9a-f]{32}/);
    for (const name of ['QRCAST_API_KEY', 'GREEN_API_ID_INSTANCE', 'GREEN_API_TOKEN']) expect(SOURCE).toContain(`Setting("${name}")`);
  });
});
