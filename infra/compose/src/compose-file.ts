/** Reads compose.yaml as Compose does: `${NAME:-default}` from variables, and YAML's merge keys. */

import { parse } from 'yaml';

export interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly profiles?: readonly string[];
  readonly expose?: readonly string[];
  /** `host:published:port` */
  readonly ports?: readonly string[];
  /** `source:target[:ro]` */
  readonly volumes?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly secrets?: readonly string[];
  readonly network_mode?: string;
  readonly networks?: readonly string[] | Readonly<Record<string, { readonly ipv4_address?: string }>>;
  readonly depends_on?: Readonly<Record<string, object>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly stop_grace_period?: string;
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

export type Variables = Readonly<Record<string, string | undefined>>;

export function readComposeFile(text: string, variables: Variables): ComposeFile {
  return parse(interpolate(text, variables), { merge: true }) as ComposeFile; // a test compares it with the specification's schema
}

/** An empty variable takes the default, too. */
export function interpolate(text: string, variables: Variables): string {
  return text.replaceAll(/\$\{([A-Z_]+)(?::-([^}]*))?\}/g, (_whole, name: string, byDefault = '') => variables[name] || byDefault);
}

/** The variables of an `.env` file. */
export function readVariables(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => /^[A-Z_]+=/.test(line));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

/** The services that start with these profiles. */
export function activeServices({ services }: ComposeFile, profiles: readonly string[]): readonly string[] {
  return Object.entries(services).flatMap(([name, service]) =>
    service.profiles === undefined || service.profiles.some((profile) => profiles.includes(profile)) ? [name] : [],
  );
}

/** The service whose network a service is in: its own, or that of another. */
export const networkOf = (name: string, { network_mode = '' }: Service): string => /^service:(.+)$/.exec(network_mode)?.[1] ?? name;

export interface ServicePort {
  readonly port: number;
  /** Where Compose publishes it on this machine. Null: it does not. */
  readonly published: number | null;
}

export function portsOf({ expose = [], ports = [] }: Service): ServicePort[] {
  const published = ports.map((entry) => {
    const [port, outside] = entry.split(':').map(Number).reverse();
    return { port: port ?? 0, published: outside ?? null };
  });
  return [...published, ...expose.map((port) => ({ port: Number(port), published: null }))];
}
