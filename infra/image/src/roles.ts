/** What each command of the image runs: Node's flags, and the program from the top of the repository. */

export interface Program {
  readonly flags: readonly string[];
  readonly file: string;
}

/** The roles. Their flags are those that OPERATING.md shows and explains. */
export const ROLES = {
  gateway: { flags: ['--disable-sigusr1', '--max-semi-space-size=8'], file: 'apps/gateway/src/main.ts' },
  worker: { flags: ['--disable-sigusr1', '--max-semi-space-size=8', '--heap-growing-percent=100'], file: 'apps/worker/src/main.ts' },
  start: { flags: ['--disable-sigusr1'], file: 'apps/standalone/src/main.ts' },
  simulator: { flags: ['--disable-sigusr1'], file: 'packages/simulator/src/main.ts' },
} as const satisfies Record<string, Program>;

/** Every other command: `doctor`, `tenants`, `top`, `login`, … */
const COMMAND_LINE: Program = { flags: [], file: 'apps/standalone/src/cli.ts' };

const isRole = (name: string): name is keyof typeof ROLES => Object.hasOwn(ROLES, name);

/**
 * The arguments of Node for a command of the image.
 *
 * @param top the folder of the repository, with a slash at its end
 */
export function argumentsOf(command: readonly string[], top: string): string[] {
  const [first = '', ...rest] = command;
  const { flags, file } = isRole(first) ? ROLES[first] : COMMAND_LINE;
  return [...flags, `${top}${file}`, ...(isRole(first) ? rest : command)];
}
