import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { activeServices, interpolate, portsOf, readComposeFile, readVariables } from './compose-file.ts';

const FOLDER = fileURLToPath(new URL('../', import.meta.url));
const read = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');
const text = read('compose.yaml');
const template = readVariables(read('.env.template'));
const file = readComposeFile(text, template);
const services = Object.entries(file.services) as [string, (typeof file.services)[string] & Record<string, unknown>][];

describe('compose.yaml', () => {
  const schema = JSON.parse(read('schema/compose-spec.json')) as object;
  const ajv = new Ajv({ strict: false });
  addFormats.default(ajv);
  const validate = ajv.compile({ ...schema, $schema: 'http://json-schema.org/draft-07/schema#' });

  it('follows the Compose specification', () => {
    validate(parse(interpolate(text, template), { merge: true }));
    expect(validate.errors).toBeNull();
  });

  it('would not pass with a misspelled key', () => {
    expect(validate({ services: { redis: { image: 'redis', read_onyl: true } } })).toBe(false);
  });

  it.each(services)('%s cannot write its files, gain rights, or take the whole machine', (_name, service) => {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      deploy: { resources: { limits: { cpus: expect.anything(), memory: expect.anything() } } },
    });
  });

  it('publishes the proxy, and for this machine alone what the operator looks at; nothing of ours', () => {
    const published = services.filter(([, service]) => portsOf(service).some((port) => port.published !== null)).map(([name]) => name);
    expect(published).toEqual(['proxy', 'prometheus', 'grafana', 'simulator']);
    for (const [, { ports = [] }] of services) for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  it.each(['gateway1', 'gateway2', 'worker1', 'worker2'])('gives %s longer to stop than it may take', (name) => {
    const { stop_grace_period: grace = '', healthcheck } = file.services[name] ?? {};
    expect(Number.parseInt(grace, 10)).toBeGreaterThan(35);
    expect(healthcheck?.test).toContain('/readyz');
  });

  it('holds no secret: each comes from a file', () => {
    const variables = services.flatMap(([, { environment = {} }]) => Object.entries(environment));
    const secretNames = variables.filter(([name]) => /URL|KEY|TOKEN|PASSWORD/.test(name) && name !== 'QRCAST_PUBLIC_URL');
    expect(secretNames.length).toBeGreaterThan(3);
    for (const [name, value] of secretNames)
      expect([name, value]).toEqual([expect.stringMatching(/_FILE$/), expect.stringMatching(/^\/run\/secrets\//)]);
  });

  it('mounts only files that are there or that make-secrets makes', () => {
    const mounted = services.flatMap(([, { volumes = [] }]) =>
      volumes.map((volume) => volume.split(':')[0] ?? '').filter((path) => path.startsWith('.')),
    );
    expect(mounted.filter((path) => !path.startsWith('./secrets/') && !existsSync(join(FOLDER, path)))).toEqual([]);
  });

  it('starts the simulator only with its profile', () => {
    expect(activeServices(file, [])).not.toContain('simulator');
    expect(activeServices(file, ['simulator'])).toEqual(expect.arrayContaining(['simulator', 'simulator-tls']));
  });
});

it('.env.template names every variable that compose.yaml reads', () => {
  const used = new Set([...text.matchAll(/\$\{([A-Z_]+)/g)].map(([, name]) => name));
  const named = new Set([...read('.env.template').matchAll(/^#?([A-Z_]+)=/gm)].map(([, name]) => name));
  expect([...used].filter((name) => !named.has(name))).toEqual([]);
  expect([...named].filter((name) => !used.has(name))).toEqual(['COMPOSE_PROFILES']);
});

it('the settings for a domain that README.md shows are in .env.template, and publish the proxy to all', () => {
  const [, block = ''] = /```\n(QRCAST_PUBLIC_URL=[^`]*)```/.exec(read('README.md')) ?? expect.unreachable();
  const shown = readVariables(block);
  expect(Object.keys(shown).filter((name) => !(name in template))).toEqual([]);
  const { services } = readComposeFile(text, { ...template, ...shown });
  expect(services['proxy']?.ports).toEqual(['80:8080', '443:8443']);
  expect(services['gateway1']?.environment?.['QRCAST_PUBLIC_URL']).toBe('https://qr.example.com');
});

it('no secret is in the repository', () => {
  expect(globSync('**/secrets/*', { cwd: join(FOLDER, 'src') })).toEqual([]);
  expect(read('.gitignore')).toContain('secrets/');
});
