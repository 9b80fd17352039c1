/**
 * For tests: runs a rendered container on this machine without containers, by its very command,
 * arguments and variables. Only ports, the paths of the image and of what is mounted, and names of
 * Services are those of this machine.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text as readText } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Container } from './kinds.ts';

const TOP = fileURLToPath(new URL('../../../', import.meta.url));
/** Of the Dockerfile. */
const ENTRY_POINT = ['node', '--disable-warning=ExperimentalWarning', '/qrcast/infra/image/src/qrcast.ts'];

export interface Machine {
  /** The folder with what the Secret has. */
  readonly secrets: string;
  /** Ports of this machine by those of the container. */
  readonly ports: Readonly<Record<string, number>>;
  /** The addresses of Services, as `host:port`. */
  readonly services: Readonly<Record<string, string>>;
}

export interface Running {
  /** The status, and all that it wrote. */
  readonly ended: Promise<{ readonly status: number | null; readonly output: string }>;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

const PORT_SETTINGS = ['PORT', 'QRCAST_METRICS_PORT'];

export function runContainer({ command = ENTRY_POINT, args = [], env = [] }: Container, { secrets, ports, services }: Machine): Running {
  const here = (text: string): string =>
    Object.entries(services)
      .reduce((changed, [service, address]) => changed.replaceAll(service, address), text)
      .replace(/^\/qrcast\//, TOP);
  const [program = '', ...words] = [...command, ...args].map(here);
  const variables = env.map(({ name, value = '' }) => {
    const port = PORT_SETTINGS.includes(name) ? ports[value] : undefined;
    return [name, port === undefined ? value.replace(/^\/run\/secrets\/qrcast\//, `${secrets}/`) : String(port)];
  });
  const child = spawn(program === 'node' ? process.execPath : program, words, {
    env: { ...Object.fromEntries(variables), PATH: process.env['PATH'] ?? '', HOME: secrets },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = Promise.all([once(child, 'exit'), readText(child.stdout), readText(child.stderr)]);
  return {
    ended: ended.then(([[status], out, err]) => ({ status: status ?? null, output: `${out}${err}` })),
    kill: (signal) => void child.kill(signal),
  };
}
