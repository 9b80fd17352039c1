/** The values of the chart against their schema, the settings and the contract. It needs no helm. */

import { readdirSync, readFileSync } from 'node:fs';
import { asyncApiDocument } from '@qrcast/core/contract/asyncapi';
import { openApiDocument } from '@qrcast/core/contract/openapi';
import { METRICS } from '@qrcast/runtime/metrics/metric-table';
import { GATEWAY_SETTINGS, isSecret, ROLE_SETTINGS, WORKER_SETTINGS } from '@qrcast/runtime/process/settings-table';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CHART, FOLDER, readYaml, VALUES_FILES } from '../test/rendered.ts';
import { madeFiles, withTable } from './made-files.ts';
import { SECRET_SETTINGS, SETTINGS_BY_VALUE } from './setting-schemas.ts';
import { VALUES_SCHEMA } from './values-schema.ts';
import { valueRows } from './values-table.ts';

const read = (name: string): string => readFileSync(`${FOLDER}${name}`, 'utf8');
type Values = Readonly<Record<string, unknown>>;
const DEFAULTS = readYaml(`${CHART}values.yaml`) as Values;

/** As Helm puts values over its defaults. */
function over(values: Values, defaults: Values): Values {
  const isMap = (value: unknown): value is Values => typeof value === 'object' && value !== null && !Array.isArray(value);
  const merged = Object.entries(values).map(([name, value]) => {
    const byDefault = defaults[name];
    return [name, isMap(value) && isMap(byDefault) ? over(value, byDefault) : value];
  });
  return { ...defaults, ...Object.fromEntries(merged) };
}

describe('values.schema.json', () => {
  const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(VALUES_SCHEMA);
  const faults = (values: Values): string[] => {
    validate(over(values, DEFAULTS));
    return (validate.errors ?? []).map(({ instancePath, message, params }) =>
      `${instancePath} ${message} ${params['additionalProperty'] ?? ''}`.trim(),
    );
  };

  it('takes the defaults', () => expect(faults({})).toEqual([]));

  it.each(Object.entries(VALUES_FILES))('takes values/%s.yaml', (_name, file) => {
    expect(faults(readYaml(file) as Values)).toEqual([]);
  });

  it('names each value of values.yaml, and no other', () => {
    const names = (schema: Values, above: string): string[] =>
      Object.entries((schema['properties'] ?? {}) as Record<string, Values>).flatMap(([name, inner]) => [
        `${above}${name}`,
        ...names(inner, `${above}${name}.`),
      ]);
    const rows = valueRows(read('qrcast/values.yaml')).map(({ path }) => path);
    const own = names(VALUES_SCHEMA, '').filter((path) => !/settings\.|^global$|resources\.claims$|_PROXY$/.test(path));
    const isNamed = (path: string, others: readonly string[]): boolean =>
      others.some((other) => other === path || other.startsWith(`${path}.`));
    expect(own.filter((path) => !isNamed(path, rows))).toEqual([]);
    expect(rows.filter((path) => !own.includes(path) && !path.startsWith('podSecurityContext.'))).toEqual([]);
  });

  it.each<[Values, string]>([
    [{ gateways: {} }, 'must NOT have additional properties gateways'],
    [{ gateway: { replicas: '2' } }, '/gateway/replicas must be integer'],
    [{ gateway: { replicas: -1 } }, '/gateway/replicas must be >= 0'],
    [{ settings: { QRCAST_POLL_INTERVALL_MS: 5_000 } }, '/settings must NOT have additional properties QRCAST_POLL_INTERVALL_MS'],
    [{ settings: { QRCAST_POLL_INTERVAL_MS: '5000' } }, '/settings/QRCAST_POLL_INTERVAL_MS must be integer'],
    [{ settings: { PORT: 3_000 } }, '/settings must NOT have additional properties PORT'],
    [{ settings: { QRCAST_DRAIN_MS: 1 } }, '/settings must NOT have additional properties QRCAST_DRAIN_MS'],
    [{ settings: { HTTPS_PROXY: 'http://user:password@proxy:3128' } }, '/settings must NOT have additional properties HTTPS_PROXY'],
    [{ extraEnv: [{ name: 'REDIS_URL', value: 'redis://redis' }] }, '/extraEnv/0/name must NOT be valid'],
    [{ extraEnv: [{ name: 'https_proxy', value: 'http://proxy' }] }, '/extraEnv/0/name must NOT be valid'],
    [{ publicUrl: 'https://user:password@example.com' }, '/publicUrl must match pattern'],
    [{ image: { digest: 'latest' } }, '/image/digest must match pattern'],
    [{ topologySpread: { nodes: 'Never' } }, '/topologySpread/nodes must be equal to one of the allowed values'],
    [{ fullnameOverride: 'a'.repeat(51) }, '/fullnameOverride must NOT have more than 50 characters'],
    [{ shutdown: { preStopSeconds: 0 } }, '/shutdown/preStopSeconds must be >= 1'],
  ])('refuses %j', (values, words) => {
    expect(faults(values).join('\n')).toContain(words);
  });
});

describe('settings', () => {
  it('of both roles are values, secrets, or set by the chart, each once for a role', () => {
    const templates = readdirSync(`${CHART}templates`, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(tpl|yaml)$/.test(name))
      .map((name) => read(`qrcast/templates/${name}`))
      .join('\n');
    const values = Object.values(SETTINGS_BY_VALUE).flat();
    const isSet = (name: string): boolean => templates.includes(`name: ${name}, value`);
    for (const name of [...ROLE_SETTINGS, ...GATEWAY_SETTINGS, ...WORKER_SETTINGS])
      expect([values.includes(name), SECRET_SETTINGS.includes(name), isSet(name)].filter(Boolean), name).toEqual([true]);
    expect(values.filter(isSecret)).toEqual([]);
  });
});

describe('what is made from other files', () => {
  it.each(Object.entries(madeFiles()))('%s is as `--filter @qrcast/chart write` makes it', (name, text) => {
    expect(read(name)).toBe(text);
  });

  it('the table of README.md, too, and each value has words', () => {
    expect(read('README.md')).toBe(withTable(read('README.md')));
    expect(valueRows(read('qrcast/values.yaml')).filter(({ what }) => what === '')).toEqual([]);
  });

  it('the version is that of the repository', () => {
    const { version } = JSON.parse(read('../../package.json')) as { version: string };
    expect(readYaml(`${CHART}Chart.yaml`)).toMatchObject({ version, appVersion: version });
  });
});

it('what the world reaches is the contract without the admin API and the health', () => {
  const list = read('qrcast/templates/_paths.tpl').split('{{- define "qrcast.paths" -}}')[1]?.split('{{- end -}}')[0] ?? '';
  const { prefixes, exact } = parse(list.replaceAll(/^\{\{.*\n/gm, '')) as { prefixes: string[]; exact: string[] };
  const options = { serverUrl: 'https://example.com', version: '0.0.0' };
  const streams = Object.values(asyncApiDocument(options).channels).map(({ address }) => address);
  const paths = [...Object.keys(openApiDocument(options).paths), ...streams];
  const isServed = (path: string): boolean =>
    exact.includes(path) || prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));
  expect(paths.filter((path) => !isServed(path))).toEqual(paths.filter((path) => /^\/(v1\/admin\/|healthz$|readyz$)/.test(path)));
  expect(
    [...prefixes, ...exact].filter((own) => own !== '/docs.css' && !paths.some((path) => path === own || path.startsWith(`${own}/`))),
  ).toEqual([]);
});

describe('prometheus-adapter.yaml', () => {
  const { rules } = readYaml(`${FOLDER}prometheus-adapter.yaml`) as { rules: { custom: { seriesQuery: string; name?: { as: string } }[] } };
  const series = rules.custom.map(({ seriesQuery, name }) => ({ metric: seriesQuery.split('{')[0] ?? '', as: name?.as }));

  it('asks for metrics that there are', () => {
    for (const { metric } of series) expect(Object.keys(METRICS)).toContain(metric.replace(/_bucket$/, ''));
  });

  it('answers for what the autoscalers ask', () => {
    const asked = [...read('qrcast/templates/autoscalers.yaml').matchAll(/metric: \{ name: (\w+) \}/g)].map(([, name]) => name);
    expect(series.map(({ metric, as }) => as ?? metric)).toEqual(asked);
  });
});
