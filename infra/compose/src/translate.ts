/**
 * Translates what stands in compose.yaml and in the files it mounts for programs that run on one
 * machine without containers: names of services become the loopback address, ports become ports
 * that are free here, and paths in the container become paths here.
 */

import { type ComposeFile, networkOf, portsOf, type Service } from './compose-file.ts';

/** Ports on this machine, by `service:port`. */
export type Ports = ReadonlyMap<string, number>;

/** Paths on this machine by the paths in the container. */
export type Paths = ReadonlyMap<string, string>;

export type Translate = (text: string) => string;

/** @param freePort finds a port for one that is not published */
export async function assignPorts(file: ComposeFile, freePort: () => Promise<number>): Promise<Ports> {
  const assigned = new Map<string, number>();
  for (const [name, service] of Object.entries(file.services)) {
    for (const { port, published } of portsOf(service)) assigned.set(`${name}:${port}`, published ?? (await freePort()));
  }
  return assigned;
}

export function createTranslate(file: ComposeFile, name: string, ports: Ports, paths: Paths): Translate {
  const service = file.services[name];
  if (service === undefined) throw new Error(`expected a service of compose.yaml, but ${name} is none`);
  const own = networkOf(name, service);
  const ownPort = (port: string): string | undefined => ports.get(`${own}:${port}`)?.toString();
  const addresses = fixedAddresses(file);
  return (text) => {
    const exact = ownPort(text);
    if (exact !== undefined) return exact;
    const named = text.replaceAll(/\b([a-z][a-z0-9-]*):(\d+)\b/g, (whole, host: string, port: string) => {
      const there = ports.get(`${host}:${port}`);
      return there === undefined ? whole : `127.0.0.1:${there}`;
    });
    const local = named
      .replaceAll(/\b(?:127\.0\.0\.1|0\.0\.0\.0):(\d+)\b/g, (whole, port: string) => {
        const mapped = ownPort(port);
        return mapped === undefined ? whole : `127.0.0.1:${mapped}`;
      })
      .replaceAll(/(:\/\/:|\bhttps?_port )(\d+)\b/g, (_whole, before: string, port: string) => `${before}${ownPort(port) ?? port}`);
    return translatePaths(translateAddresses(local, addresses), paths);
  };
}

function fixedAddresses({ services }: ComposeFile): string[] {
  return Object.values(services).flatMap(({ networks = [] }: Service) =>
    Object.values(networks).flatMap((network) => (typeof network === 'object' && network.ipv4_address ? [network.ipv4_address] : [])),
  );
}

function translateAddresses(text: string, addresses: readonly string[]): string {
  return addresses.reduce((translated, address) => translated.replaceAll(address, '127.0.0.1'), text);
}

/** In one pass, so that no translated path is translated again. The longest path wins. */
function translatePaths(text: string, paths: Paths): string {
  const targets = [...paths.keys()].sort((a, b) => b.length - a.length).map((path) => path.replaceAll('.', '\\.'));
  if (targets.length === 0) return text;
  const pattern = new RegExp(`(?<![\\w./-])(?:${targets.join('|')})(?=[/\\s'"}\\],]|$)`, 'g');
  return text.replaceAll(pattern, (path) => paths.get(path) ?? path);
}
