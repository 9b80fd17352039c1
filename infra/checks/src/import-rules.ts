/**
 * In which direction imports may point, as ARCHITECTURE.md draws it. dependency-cruiser 18 would be
 * the usual tool, but it does not read TypeScript 7: it finds no modules and reports no violations.
 * Biome's `noRestrictedImports` sees only the specifier, and cannot tell when an exception is no
 * longer needed.
 */

import type { Import } from './imports.ts';

/** What the sources of each workspace may import: other workspaces, or all of one kind. */
const SOURCES_MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'packages/core': [],
  'packages/client': [],
  'packages/runtime': ['packages/core'],
  'packages/provider': ['packages/core'],
  'packages/simulator': ['packages/core'],
  'apps/gateway': ['packages'],
  'apps/worker': ['packages'],
  'apps/web': ['packages'],
  'apps/examples': ['packages/client'],
  'apps/standalone': ['packages', 'apps'],
  'infra/bench': ['packages', 'apps'],
  'infra/chart': ['packages/runtime', 'infra/monitoring'],
  'infra/compose': ['packages/runtime'],
  'infra/monitoring': ['packages/runtime'],
  'infra/start': ['apps/standalone'],
};

/**
 * What the tests of a workspace may import besides. All of them share the configuration and tools
 * in `infra/test`.
 */
const TESTS_MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'packages/client': ['packages/core'],
  'apps/docs': ['infra/bench'], // which Chromium is driven
  'apps/examples': ['packages', 'apps/standalone'],
  'infra/chart': ['packages/core'], // the contract
  'infra/compose': ['packages/client', 'infra/image'],
  'infra/image': ['packages/runtime'],
  'apps/standalone': ['infra/bench', 'infra/monitoring'], // both drive Chromium; the alerts are tested on a running system
};

/**
 * Folders and top-level files of packages with layers. An import may point to the same line or to a
 * later one.
 */
const LAYERS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'apps/gateway/src/': [
    ['gateway.ts', 'main.ts'],
    ['wiring'],
    ['audit', 'api', 'notifications', 'docs'],
    ['overview'],
    ['streams'],
    ['sessions'],
    ['auth'],
    ['http'],
    ['limits'],
    ['tenants'],
  ],
  'packages/runtime/src/': [
    ['node.ts'],
    ['process'],
    ['callbacks'],
    ['connected'],
    ['sessions'],
    ['outbox'],
    ['audit'],
    ['keyring'],
    ['tenants'],
    ['statistics'],
    ['polling'],
    ['redis'],
    ['metrics'],
    ['tracing'],
    ['log.ts'],
    ['log-output.ts', 'log-text.ts', 'releasers.ts'],
  ],
};

const TEST_FILE = /\.test(?:-d)?\.tsx?$/;
/** Everything in the `src` of the examples tests them. */
const TEST_FOLDER = /^(?:\w+\/[\w-]+\/(?:test|e2e|fuzz|chaos)|apps\/examples\/src)\//;

/** What only a test whose suffix names the need may import itself. */
const NEEDED = /^(?:packages\/runtime\/test\/redis|apps\/standalone\/test\/(?:browser|cluster))\.ts$/;
const NEEDING_TEST = /\.(?:redis|e2e)\.(?:release\.)?test\.ts$/;

const isTest = (file: string): boolean => TEST_FILE.test(file) || TEST_FOLDER.test(file) || file.endsWith('/vitest.config.ts');
const workspaceOf = (file: string): string => file.split('/').slice(0, 2).join('/');

/** @returns why this import is not allowed, or null if it is */
function refusal({ from, to }: Import): string | null {
  if (TEST_FILE.test(to)) return 'a test file is not imported';
  if (TEST_FILE.test(from) && !NEEDING_TEST.test(from) && NEEDED.test(to)) return 'a test that needs something says so in its suffix';
  if (!isTest(from) && isTest(to)) return 'sources do not import test support';
  if (!mayImportWorkspace(from, to)) return `${workspaceOf(from)} does not import ${workspaceOf(to)}`;
  return isTest(from) ? null : refusalByLayer(from, to);
}

function refusalByLayer(from: string, to: string): string | null {
  for (const [folder, layers] of Object.entries(LAYERS)) {
    if (!from.startsWith(folder) || !to.startsWith(folder)) continue;
    const [own, other] = [layerOf(layers, from.slice(folder.length)), layerOf(layers, to.slice(folder.length))];
    if (own === -1 || other === -1) return `a folder that is not among the layers of ${folder}`;
    if (own > other) return `an import in ${folder} points to a layer above`;
  }
  return null;
}

function mayImportWorkspace(from: string, to: string): boolean {
  const [own, other] = [workspaceOf(from), workspaceOf(to)];
  const allowed = [own, ...(SOURCES_MAY_IMPORT[own] ?? []), ...(isTest(from) ? ['infra/test', ...(TESTS_MAY_IMPORT[own] ?? [])] : [])];
  return allowed.some((name) => name === other || name === other.split('/')[0]);
}

/** @param path below the folder that has these layers */
function layerOf(layers: readonly (readonly string[])[], path: string): number {
  return layers.findIndex((layer) => layer.includes(path.split('/')[0] ?? ''));
}

/** @returns one line for each import that breaks a rule, and for each cycle */
export function violations(imports: readonly Import[]): string[] {
  const refused = imports.flatMap((one) => {
    const reason = refusal(one);
    return reason === null ? [] : [`${one.from} -> ${one.to}: ${reason}`];
  });
  return [...refused, ...cycles(imports).map((files) => `${files.join(' <-> ')}: they import each other in a cycle`)];
}

/**
 * @returns the files that reach each other (Tarjan's strongly connected components), each group
 * sorted
 */
function cycles(imports: readonly Import[]): string[][] {
  const targets = Map.groupBy(imports, ({ from }) => from);
  const reached = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  /** @returns the earliest file of the stack that `file` reaches */
  function visit(file: string): number {
    const own = reached.size;
    reached.set(file, own);
    const height = stack.push(file) - 1;
    let earliest = own;
    for (const { to } of targets.get(file) ?? []) {
      if (!reached.has(to)) earliest = Math.min(earliest, visit(to));
      else if (stack.includes(to)) earliest = Math.min(earliest, reached.get(to) ?? own);
    }
    if (earliest === own) {
      const group = stack.splice(height);
      if (group.length > 1) found.push(group.sort());
    }
    return earliest;
  }
  for (const file of targets.keys()) if (!reached.has(file)) visit(file);
  return found;
}
