import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CHECKED_ELSEWHERE, NOT_RUN, RUN, readShown, ruleFor, shownIn, TOP } from './documented-commands.ts';

const RULES = [...RUN, ...CHECKED_ELSEWHERE, ...NOT_RUN];

describe('what the documents show', () => {
  const shown = readShown();

  it('is run, checked elsewhere, or not run for a reason', () => {
    expect(shown.filter(({ text }) => ruleFor(RULES, text) === undefined)).toEqual([]);
  });

  it('is the only code that is classified', () => {
    const used = new Set(shown.map(({ text }) => ruleFor(RULES, text)));
    expect(RULES.filter((rule) => !used.has(rule))).toEqual([]);
  });

  it('calls only scripts that package.json has, and commands of pnpm', () => {
    const { scripts } = JSON.parse(readFileSync(`${TOP}package.json`, 'utf8')) as { scripts: object };
    const called = shown.flatMap(({ text }) => [...text.matchAll(/npx -y pnpm@12 ([a-z:-]+)/g)].map(([, name = '']) => name));
    const known = [...Object.keys(scripts), 'exec', 'audit', 'version', '--filter'];
    expect(called.filter((name) => !known.includes(name))).toEqual([]);
  });
});

it('each file that checks one is there', () => {
  expect(CHECKED_ELSEWHERE.filter(({ check }) => !existsSync(`${TOP}${check}`))).toEqual([]);
});

it('blocks and commands are found, and words between backticks are not', () => {
  const markdown =
    'Run `npx -y\npnpm@12 new` with `QRCAST_X`:\n\n```sh\ncurl -X POST `here` \\\n  there\n```\n\n- as\n\n  ```js\n  run();\n  ```\n';
  expect(shownIn(markdown)).toEqual(['curl -X POST `here` \\\n  there', 'run();', 'npx -y pnpm@12 new']);
});

it('a new block has no rule', () => {
  expect(ruleFor(RULES, 'curl http://127.0.0.1:3000/v1/brand-new')).toBeUndefined();
});
