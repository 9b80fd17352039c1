/** Creates the text of THIRD-PARTY-LICENSES.md. */

import type { Package } from './packages.ts';

export const LIST_FILE = 'THIRD-PARTY-LICENSES.md';

/**
 * @param inPage the packages bundled into what browsers load, where nothing else brings their
 * notices. A package without a notice is not in the bundle.
 */
export function createList(all: readonly Package[], inPage: readonly Package[]): string {
  const rows = all.map(({ name, version, licence }) => [name, version, licence ?? 'none named'] as const);
  const texts = inPage.flatMap(({ name, version, text }) =>
    text === null ? [] : `### ${name} ${version}\n\n\`\`\`text\n${text}\n\`\`\`\n`,
  );
  return `# Licences of others

Every package of others that runs in production, or is bundled into the login page. Made by \`npx -y pnpm@12 --filter @qrcast/licences write\`;
a test fails when it is out of date, or when a licence is not on the list in infra/licences/src/allowed.ts. Packages for one operating system
alone stand under the licence of the package they are part of.

${table(['package', 'version', 'licence'], rows)}

## In the login page and the element

Each gateway serves these, bundled, to browsers. Their notices:

${texts.join('\n')}`;
}

/** Makes the columns as wide as the formatter does. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [head, widths.map((width) => '-'.repeat(width)), ...rows].map(line).join('\n');
}
