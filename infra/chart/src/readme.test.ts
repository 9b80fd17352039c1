/** What README.md tells operators to type is what the chart and the image have. */

import { existsSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { CHART, FOLDER, readYaml, VALUES_FILES } from '../test/rendered.ts';
import { VALUES_SCHEMA } from './values-schema.ts';

const readme = readFileSync(`${FOLDER}README.md`, 'utf8');
const { existingSecret } = readYaml(`${CHART}values.yaml`) as { existingSecret: { keys: Record<string, string> } };

it('the Secret that it makes has the keys that the chart looks for', () => {
  const made = [...readme.matchAll(/--from-literal=([a-z-]+)=/g)].map(([, name]) => name);
  expect(made.sort()).toEqual(Object.values(existingSecret.keys).sort());
});

it('the values that it shows are values', () => {
  const [, block = ''] = /```yaml\n(.*?)```/s.exec(readme) ?? [];
  const validate = new Ajv({ allowUnionTypes: true }).compile(VALUES_SCHEMA);
  expect(validate(parse(block)), JSON.stringify(validate.errors)).toBe(true);
  expect(parse(block)).toMatchObject({ existingSecret: { name: 'qrcast' } });
});

it('the commands in pods start the entry point of the image', () => {
  const run = [...readme.matchAll(/-- node \/qrcast\/(\S+) (\S+)/g)];
  expect(run.map(([, , command]) => command)).toEqual(['rotate-keys', 'doctor']);
  for (const [, file] of run) expect(existsSync(`${FOLDER}../../${file}`)).toBe(true);
  expect(readFileSync(`${FOLDER}../image/Dockerfile`, 'utf8')).toContain(`"/qrcast/${run[0]?.[1]}"`);
});

it('it names every values file', () => {
  for (const name of Object.keys(VALUES_FILES)) expect(readme).toContain(`(values/${name}.yaml)`);
});
