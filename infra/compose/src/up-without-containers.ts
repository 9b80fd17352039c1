/**
 * The command: starts what compose.yaml starts, with the very commands and settings, on this machine
 * without containers. Ctrl-C stops it.
 *
 * The argument is the folder with `.env` and `secrets/`; without it the folder of compose.yaml.
 */

import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@qrcast/runtime/redis/free-port';
import { type Command, commandOf } from './commands.ts';
import { activeServices, readComposeFile, readVariables } from './compose-file.ts';
import { layOut, needsOf, type Place } from './lay-out.ts';
import { runServices } from './run-services.ts';
import { assignPorts } from './translate.ts';

const COMPOSE_FOLDER = fileURLToPath(new URL('../', import.meta.url));
const TOP = fileURLToPath(new URL('../../../', import.meta.url));
const write = (text: string): void => void process.stdout.write(text);

const own = resolve(process.argv[2] ?? COMPOSE_FOLDER);
const place: Place = { composeFolder: COMPOSE_FOLDER, top: TOP, state: join(own, '.qrcast') };
mkdirSync(place.state, { recursive: true, mode: 0o700 });

const variables = readVariables(readFileSync(join(own, '.env'), 'utf8'));
const text = readFileSync(join(COMPOSE_FOLDER, 'compose.yaml'), 'utf8').replaceAll('./secrets/', `${join(own, 'secrets')}/`);
const file = readComposeFile(text, variables);
const ports = await assignPorts(file, freePort);

const commands = new Map<string, Command>();
for (const name of activeServices(file, (variables['COMPOSE_PROFILES'] ?? '').split(','))) {
  const command = commandOf(file, name, layOut(file, name, ports, place), place, process.execPath);
  if (command === null) write(`${name} is left out: only its image has its program\n`);
  else commands.set(name, command);
}
const needs = new Map([...commands.keys()].map((name) => [name, needsOf(file, name)]));

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort());
const services = await runServices({ commands, needs, env: { PATH: process.env['PATH'] ?? '', HOME: place.state }, write });
write(`everything is up: ${variables['QRCAST_PUBLIC_URL']}\n`);
const stopped = new Promise<void>((done) => stopping.signal.addEventListener('abort', () => done(), { once: true }));
try {
  if (!stopping.signal.aborted) await Promise.race([stopped, services.broken]);
} catch (error) {
  write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
await services.stop();
write('everything has stopped\n');
