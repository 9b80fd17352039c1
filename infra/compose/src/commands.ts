/** The commands that run the services of compose.yaml on this machine. Pure. */

import type { ComposeFile } from './compose-file.ts';
import type { Place } from './lay-out.ts';
import type { Translate } from './translate.ts';

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly check: Check | null;
  readonly graceMs: number;
}

/** How to find out that a service is healthy. */
export type Check = { readonly kind: 'command'; readonly argv: readonly string[] } | { readonly kind: 'url'; readonly url: string };

/** Further arguments of a program that would listen on all addresses of the machine. */
const ONLY_HERE: Readonly<Record<string, readonly string[]>> = { 'redis-server': ['--bind', '127.0.0.1'] };

const DEFAULT_GRACE = '10s';
/** Of the image that infra/image builds. */
const OUR_IMAGE = /(?:^|\/)qrcast[:@]/;

/** @returns null for a service whose program only its image names: it cannot be started here */
export function commandOf(file: ComposeFile, name: string, translate: Translate, place: Place, node: string): Command | null {
  const { image, entrypoint, command, environment = {}, healthcheck, stop_grace_period: grace = DEFAULT_GRACE } = file.services[name] ?? {};
  const isOurs = OUR_IMAGE.test(image ?? '');
  const own = isOurs ? [node, '--disable-warning=ExperimentalWarning', `${place.top}infra/image/src/qrcast.ts`] : (entrypoint ?? []);
  const [program, ...args] = [...own, ...(command ?? []).map(translate)];
  if (program === undefined) return null;
  return {
    program,
    args: [...args, ...(ONLY_HERE[program] ?? [])],
    env: Object.fromEntries(Object.entries(environment).map(([variable, value]) => [variable, translate(value)])),
    check: checkOf(healthcheck?.test ?? [], translate, node),
    graceMs: Number.parseInt(grace, 10) * 1_000,
  };
}

/** A container's `wget` is not on every machine, so a URL is asked by ourselves. */
function checkOf([kind, ...argv]: readonly string[], translate: Translate, node: string): Check | null {
  if (kind !== 'CMD') return null;
  const url = argv[0] === 'wget' ? argv.find((word) => word.startsWith('http')) : undefined;
  if (url !== undefined) return { kind: 'url', url: translate(url) };
  return { kind: 'command', argv: argv.map((word, i) => (i === 0 && word === 'node' ? node : translate(word))) };
}
