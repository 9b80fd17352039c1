import { parseHttpProxy } from '@qrcast/core/http-proxy';
import { expect, test } from 'vitest';
import { createLog } from '../log.ts';
import { findProxyWarnings, logProxy, proxyWarningText } from './proxy-log.ts';

function openRig() {
  const lines: Record<string, unknown>[] = [];
  const log = createLog('test', 'info', { write: (line) => void lines.push(JSON.parse(line)) });
  let now = 0;
  const onFault = logProxy({ log, now: () => now }, parseHttpProxy('http://user:hunter2@proxy.example.com:3128'), 'tests');
  return {
    lines,
    onFault,
    pass() {
      now += 60_000;
    },
  };
}

test('the start logs host, port and purpose, but no credentials', () => {
  const { lines, onFault } = openRig();
  onFault({ kind: 'status', status: 407 }, 'api.example.com:443');
  onFault({ kind: 'certificate', status: null }, 'api.example.com:443');
  expect(lines).toMatchObject([
    { level: 30, proxy: 'proxy.example.com:3128', usedFor: 'tests', msg: 'a proxy is used' },
    { level: 40, proxy: 'proxy.example.com:3128', usedFor: 'tests', fault: 'status', status: 407, target: 'api.example.com:443' },
    { level: 40, fault: 'certificate', msg: expect.stringContaining('NODE_EXTRA_CA_CERTS') },
  ]);
  expect(JSON.stringify(lines)).not.toMatch(/hunter2|user:|Basic/);
});

test('each kind of fault is logged once a minute', () => {
  const { lines, onFault, pass } = openRig();
  const faults = (): unknown[] => lines.slice(1).map(({ fault, status, leftOut }) => [fault, status, leftOut]);
  for (let i = 0; i < 3; i++) onFault({ kind: 'refused', status: null }, 'a:443');
  onFault({ kind: 'status', status: 502 }, 'a:443');
  onFault({ kind: 'status', status: 407 }, 'a:443');
  expect(faults()).toEqual([
    ['refused', undefined, 0],
    ['status', 502, 0],
    ['status', 407, 0],
  ]);
  pass();
  onFault({ kind: 'refused', status: null }, 'b:443');
  expect(faults().at(-1)).toEqual(['refused', undefined, 2]);
});

test.each([
  [{}, []],
  [{ HTTPS_PROXY: 'http://p:1', HTTP_PROXY: 'http://p:1', ALL_PROXY: 'socks5://p:1' }, []],
  [{ https_proxy: 'http://p:1', all_proxy: 'http://p:1' }, []],
  [{ ALL_PROXY: 'http://user:hunter2@p:1' }, ['ALL_PROXY: this proxy is not used']],
  [{ all_proxy: 'http://p:1', HTTP_PROXY: 'http://p:1' }, ['all_proxy: this proxy is not used', 'HTTP_PROXY: this proxy is not used']],
  [{ ALL_PROXY: '', HTTPS_PROXY: '', NO_PROXY: '10.*' }, []],
  [{ HTTPS_PROXY: 'http://p:1', NO_PROXY: 'localhost,10.0.0.0/8' }, []],
  [{ HTTPS_PROXY: 'http://p:1', NO_PROXY: 'localhost,10.*,hunter2@x' }, ['NO_PROXY, entries 2, 3: these entries are not understood']],
  [{ HTTPS_PROXY: 'http://p:1', NO_PROXY: '10.*', no_proxy: 'a,<local>' }, ['no_proxy, entry 2: these entries are not understood']],
])('%j', (env, texts) => {
  const warnings = findProxyWarnings(env).map(proxyWarningText);
  expect(warnings.map((text, i) => text.slice(0, texts[i]?.length ?? 0))).toEqual(texts);
  expect(warnings.join()).not.toContain('hunter2');
});
