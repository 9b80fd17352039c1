/**
 * Mutation test of Lua scripts, which the usual tools do not know: makes one small change at a time in a script, runs the tests named for
 * it, and lists the changes that no test noticed. Changes the files in place and puts them back, so use a clean work tree.
 *
 *   npx -y pnpm@12 mutate packages/runtime src/polling/shard-poke-4.lua src/polling/poll-queue-pokes.redis.test.ts …
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createVitest, type TestSpecification, type Vitest } from 'vitest/node';

const TOP = fileURLToPath(new URL('../..', import.meta.url));
/** A change may leave a test waiting for what never comes. Tests that pass take far less. */
const TEST_TIMEOUT_MS = 20_000;

/** What is replaced, everywhere it stands in code, one place at a time. */
const REPLACEMENTS: readonly (readonly [RegExp, string | ((match: string) => string)])[] = [
  [/ <= /g, ' < '],
  [/ < /g, ' <= '],
  [/ >= /g, ' > '],
  [/ > /g, ' >= '],
  [/ == /g, ' ~= '],
  [/ ~= /g, ' == '],
  [/ and /g, ' or '],
  [/ or /g, ' and '],
  [/ \+ /g, ' - '],
  [/ - /g, ' + '],
  [/\bnot /g, ''],
  [/math\.max/g, 'math.min'],
  [/math\.min/g, 'math.max'],
  [/'(?:XX|NX|GT|LT)', /g, ''],
  [/, '(?:XX|NX|GT|LT)'(?=\))/g, ''],
  // Numbers, but no index of KEYS or ARGV and no part of a name.
  [/(?<![\w[.'])\d+(?![\w\].'])/g, (number) => String(Number(number) + 1)],
  [/(?<=\b(?:if|elseif) ).+?(?= then)/g, 'true'],
  [/(?<=\b(?:if|elseif) ).+?(?= then)/g, 'false'],
  // A command that is a statement of its own.
  [/(?<=^\s*|then |else )redis\.call\(.*?\)(?=$| else | end)/g, 'local _ = 0'],
];

interface Mutant {
  readonly line: number;
  readonly text: string;
}

/** Every change of one place of the script, comments left out. */
export function mutantsOf(source: string): Mutant[] {
  const lines = source.split('\n');
  return lines.flatMap((line, index) => {
    const code = line.replace(/\s*--.*$/, '');
    return REPLACEMENTS.flatMap(([pattern, replacement]) =>
      [...code.matchAll(pattern)].map((match) => {
        const [old] = match;
        const changed = typeof replacement === 'string' ? replacement : replacement(old);
        return { line: index + 1, text: code.slice(0, match.index) + changed + code.slice(match.index + old.length) };
      }),
    );
  });
}

function withMutant(source: string, { line, text }: Mutant): string {
  return source
    .split('\n')
    .map((old, index) => (index + 1 === line ? text : old))
    .join('\n');
}

async function passes(vitest: Vitest, tests: TestSpecification[]): Promise<boolean> {
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(tests, false);
  return unhandledErrors.length === 0 && testModules.every((module) => module.ok());
}

async function main([folder = '', script = '', ...testFiles]: readonly string[]): Promise<void> {
  if (testFiles.length === 0)
    throw new Error('expected a package, a Lua script of it and its tests, e.g. packages/runtime src/a.lua src/a.test.ts');
  const root = join(TOP, folder);
  process.chdir(root);
  const limits = {
    testTimeout: TEST_TIMEOUT_MS,
    hookTimeout: TEST_TIMEOUT_MS,
    expect: { poll: { timeout: TEST_TIMEOUT_MS / 2, interval: 20 } },
  };
  const vitest = await createVitest('test', { root, watch: false, bail: 1, maxWorkers: 1, reporters: [{}], ...limits });
  const tests = (await Promise.all(testFiles.map((file) => vitest.globTestSpecifications([file])))).flat();
  const path = join(root, script);
  const source = readFileSync(path, 'utf8');
  const restore = (): void => writeFileSync(path, source);
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      restore();
      process.exit(1);
    });
  const survivors: Mutant[] = [];
  const mutants = mutantsOf(source);
  try {
    if (tests.length === 0 || !(await passes(vitest, tests))) throw new Error('expected tests that pass on the script as it stands');
    for (const mutant of mutants) {
      writeFileSync(path, withMutant(source, mutant));
      if (await passes(vitest, tests)) survivors.push(mutant);
    }
  } finally {
    restore();
    await vitest.close();
  }
  process.stdout.write(`${script}: ${mutants.length} mutants, ${mutants.length - survivors.length} killed, ${survivors.length} survived\n`);
  for (const { line, text } of survivors) process.stdout.write(`  ${line}: ${text.trim()}\n`);
  process.exitCode = survivors.length === 0 ? 0 : 1;
}

await main(process.argv.slice(2));
