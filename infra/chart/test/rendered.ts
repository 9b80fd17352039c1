/** For tests: what helm rendered, as objects. */

import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { Helm, HelmAnswer } from './helm.ts';
import type { Labels, PodSpec, Selector, SpecByKind } from './kinds.ts';

/** Of any kind. `ofKind` knows what the spec of one has. */
export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Labels };
  readonly spec?: unknown;
  readonly data?: Readonly<Record<string, string>>;
}

export type RenderedOf<Kind extends keyof SpecByKind> = Rendered & { readonly spec: SpecByKind[Kind] };

export const isOfKind = <Kind extends keyof SpecByKind>(object: Rendered, kind: Kind): object is RenderedOf<Kind> => object.kind === kind; // the tests compare its spec with the schemas

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

export const ofKind = <Kind extends keyof SpecByKind>(objects: readonly Rendered[], kind: Kind): RenderedOf<Kind>[] =>
  objects.filter((object) => isOfKind(object, kind));

export function podOf(object: Rendered): PodSpec | null {
  if (isOfKind(object, 'Pod')) return object.spec;
  return isOfKind(object, 'Deployment') ? object.spec.template.spec : null;
}

export function deployment(objects: readonly Rendered[], role: 'gateway' | 'worker'): RenderedOf<'Deployment'> {
  return ofKind(objects, 'Deployment').find(({ metadata }) => metadata.name.endsWith(role)) ?? expect.unreachable(`no ${role}`);
}

/** The labels by which an object chooses others, if it does. */
export function selectorOf(object: Rendered): Labels | undefined {
  if (isOfKind(object, 'Service')) return object.spec.selector;
  const { selector, podSelector } = (object.spec ?? {}) as { readonly selector?: Selector; readonly podSelector?: Selector };
  return selector?.matchLabels ?? podSelector?.matchLabels;
}
