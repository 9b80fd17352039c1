/** The workflows of the public CI: valid, pinned, and allowed as little as they need. */

import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } from '@actions/workflow-parser';
import { describe, expect, it } from 'vitest';

const TOP = fileURLToPath(new URL('../../../', import.meta.url));
const files = globSync('.github/workflows/*.yml', { cwd: TOP });

/** What the schema of GitHub Actions and the parser of its expressions say against a workflow. */
async function faultsOf(name: string, content: string): Promise<readonly string[]> {
  const { context, value } = parseWorkflow({ name, content }, new NoOperationTraceWriter());
  if (value !== undefined) await convertWorkflowTemplate(context, value);
  return context.errors.getErrors().map(({ message }) => message);
}

it('are two', () => expect(files.length).toBe(2));

it('are judged by a parser that finds faults', async () => {
  const bad = 'on: push\njobs:\n  a:\n    runs-on: x\n    permision: {}\n    steps:\n      - run: exit\n';
  expect(await faultsOf('bad.yml', bad)).not.toEqual([]);
});

describe.each(files)('%s', (file) => {
  const content = readFileSync(`${TOP}${file}`, 'utf8');

  it('is valid', async () => {
    expect(await faultsOf(file, content)).toEqual([]);
  });

  it('names each action by its commit, with the version beside it', () => {
    const uses = [...content.matchAll(/uses: (.*)/g)].map(([, action = '']) => action);
    expect(uses.length).toBeGreaterThan(0);
    for (const action of uses) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it('is allowed nothing by default but to read, and uses no secret', () => {
    expect(content).toMatch(/^permissions:( \{\}|\n {2}contents: read\n)/m);
    expect(content).not.toMatch(/secrets\.|write-all|pull_request_target/);
  });
});

it('what publishes waits for an approval, and says where it was made', () => {
  const release = readFileSync(`${TOP}.github/workflows/release.yml`, 'utf8');
  const [publishing = ''] = release.split(/\n {2}(?=\w+:\n)/).filter((job) => job.includes('npm publish'));
  expect(publishing).toContain('environment: npm');
  expect(publishing).toContain('--provenance');
  expect(publishing).not.toContain('contents: write');
});
