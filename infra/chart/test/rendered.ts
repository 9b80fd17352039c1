/** For tests: what helm rendered, as objects. */

import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { Helm, HelmAnswer } from './helm.ts';

export interface EnvVariable {
  readonly name: string;
  readonly value?: string;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly EnvVariable[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly [field: string]: unknown;
}

export interface PodSpec {
  readonly containers: readonly Container[];
  readonly terminationGracePeriodSeconds?: number;
  readonly volumes: readonly { readonly name: string; readonly secret?: { readonly items?: readonly { readonly key: string }[] } }[];
  readonly [field: string]: unknown;
}

/** What the tests read of an object. */
export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  // biome-ignore lint/suspicious/noExplicitAny: each kind has its own, and a validator has judged it.
  readonly spec: any;
  readonly data?: Readonly<Record<string, string>>;
}

export const FOLDER = fileURLToPath(new URL('../', import.meta.url));
export const CHART = `${FOLDER}qrcast/`;
const VALUES = `${FOLDER}values/`;

/** The values files that are shown to operators, by name, and one with everything on. */
export const VALUES_FILES: Readonly<Record<string, string>> = Object.fromEntries(
  globSync('*.yaml', { cwd: VALUES })
    .sort()
    .map((file) => [basename(file, '.yaml'), `${VALUES}${file}`]),
);

/** Helm reads YAML 1.1, where `on` is true. */
export const readYaml = (file: string): unknown => parse(readFileSync(file, 'utf8'), { version: '1.1', merge: true });

export const fileOf = (name: string): string => VALUES_FILES[name] ?? expect.unreachable(`no values file is named ${name}`);

const renderedBefore = new Map<string, Rendered[]>();

/** Once for the same arguments in a file of tests. @param sets of `--set` */
export function render(helm: Helm, name: string, sets: readonly string[] = [], release?: string): Rendered[] {
  const args = ['-f', fileOf(name), ...sets.flatMap((set) => ['--set', set])];
  const id = JSON.stringify([args, release]);
  const objects = renderedBefore.get(id) ?? parseRendered(helm.template(args, release));
  renderedBefore.set(id, objects);
  return objects;
}

function parseRendered({ isGood, text }: HelmAnswer): Rendered[] {
  expect(isGood, text).toBe(true);
  return parseAllDocuments(text, { version: '1.1' }).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as Rendered; // the tests compare it with the schemas
  });
}

export const ofKind = (objects: readonly Rendered[], kind: string): Rendered[] => objects.filter((object) => object.kind === kind);

export function podOf({ kind, spec }: Rendered): PodSpec | null {
  if (kind === 'Pod') return spec;
  return kind === 'Deployment' ? spec.template.spec : null;
}

export function deployment(objects: readonly Rendered[], role: 'gateway' | 'worker'): Rendered {
  return objects.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name.endsWith(role)) ?? expect.unreachable(`no ${role}`);
}
