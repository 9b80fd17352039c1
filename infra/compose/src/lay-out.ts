/** Lays out a service's files on this machine: folders for its volumes, and translated copies of what it mounts. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { type ComposeFile, networkOf } from './compose-file.ts';
import { createTranslate, type Paths, type Ports, type Translate } from './translate.ts';

export interface Place {
  /** Of compose.yaml. */
  readonly composeFolder: string;
  /** Of the repository, which is /qrcast in the image. */
  readonly top: string;
  /** Where data and translated files go. */
  readonly state: string;
}

/** Else it is the name of a volume. */
const isPath = (source: string): boolean => /^[./]/.test(source);

interface Mount {
  readonly source: string;
  readonly target: string;
}

/** Creates folders and files. @returns how to translate what the service is started with */
export function layOut(file: ComposeFile, name: string, ports: Ports, place: Place): Translate {
  const { volumes = [], secrets = [], tmpfs = [] } = file.services[name] ?? {};
  const mounts = volumes.map((entry): Mount => {
    const [source = '', target = ''] = entry.split(':');
    return { source, target };
  });
  const folders: Mount[] = [
    ...mounts.filter(({ source }) => !isPath(source)).map(({ source, target }) => ({ source: join('volumes', source), target })),
    ...tmpfs.map((target) => ({ source: join('tmpfs', name, target), target })),
  ];
  const files: Mount[] = [
    ...mounts.filter(({ source }) => isPath(source)),
    ...secrets.map((secret) => ({ source: file.secrets[secret]?.file ?? '', target: `/run/secrets/${secret}` })),
  ];
  const copies = files.map(({ source, target }) => ({ source, target, copy: join(place.state, 'files', name, basename(target)) }));
  const paths: Paths = new Map([
    ['/qrcast', place.top.replace(/\/$/, '')],
    ...folders.map(({ source, target }) => [target, join(place.state, source)] as const),
    ...copies.map(({ target, copy }) => [target, copy] as const),
  ]);
  for (const { source } of folders) mkdirSync(join(place.state, source), { recursive: true, mode: 0o700 });
  mkdirSync(join(place.state, 'files', name), { recursive: true, mode: 0o700 });
  const translate = createTranslate(file, name, ports, paths);
  for (const { source, copy } of copies) {
    const text = translate(readFileSync(resolve(place.composeFolder, source), 'utf8'));
    writeFileSync(copy, onLoopback(text), { mode: 0o600 });
  }
  return translate;
}

/** A container's addresses are its own. Here Caddy must not listen on those of the machine. */
const onLoopback = (text: string): string => text.replace(/^(\s*)admin off$/m, '$1admin off\n$1default_bind 127.0.0.1');

/** All services that a service's network needs to be there first. */
export function needsOf({ services }: ComposeFile, name: string): string[] {
  const service = services[name];
  if (service === undefined) return [];
  const network = networkOf(name, service);
  return [...new Set([...Object.keys(service.depends_on ?? {}), ...(network === name ? [] : [network])])];
}
