/** Prometheus's own checks of the rules. They need Debian's package `prometheus`, and are skipped without it. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { BOARD } from './board.ts';
import { queryOf } from './board-json.ts';

const FOLDER = fileURLToPath(new URL('..', import.meta.url));

const promtool = (command: string, file: string, kind = 'rules') => {
  const { status, stdout, stderr } = spawnSync('promtool', [command, kind, file], { cwd: FOLDER, encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
};
const SUCCESS = { status: 0, said: expect.stringContaining('SUCCESS') };

const isMissing = spawnSync('promtool', ['--version']).error !== undefined;
if (isMissing)
  process.stderr.write('skipped: there is no promtool here. `pnpm test` installs it on Debian as root; else: apt-get install prometheus\n');

describe.skipIf(isMissing)('promtool finds that', () => {
  test.each([
    ['the rules are valid', 'check', 'alerts.yaml'],
    ['each alert fires at its fault and goes out again', 'test', 'alerts.test.yaml'],
  ])('%s', (_name, command, file) => {
    expect(promtool(command, file)).toEqual(SUCCESS);
  });

  test('Prometheus can parse every query of the board', () => {
    const variables = { $quantile: '0.99', $__rate_interval: '5m', $__range: '1h', $job: 'qrcast', $instance: '.*' };
    const asks = BOARD.flatMap(({ panels }) => panels.flatMap(({ queries }) => queries.map(({ ask }) => queryOf(ask))));
    const rules = asks.map((ask, i) => ({
      record: `board:query:${i}`,
      expr: Object.entries(variables).reduce((text, [name, value]) => text.replaceAll(name, value), ask),
    }));
    const folder = mkdtempSync(join(tmpdir(), 'qrcast-board-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'board.yaml'), JSON.stringify({ groups: [{ name: 'board', rules }] })); // JSON is YAML
    expect(promtool('check', join(folder, 'board.yaml'))).toEqual(SUCCESS);
  });

  test('the configuration that OPERATING.md shows is valid', () => {
    const document = readFileSync(new URL('../../../OPERATING.md', import.meta.url), 'utf8');
    const [, shown = ''] = /```yaml\n(scrape_configs:[^`]*)```/.exec(document) ?? expect.unreachable();
    const folder = mkdtempSync(join(tmpdir(), 'qrcast-scrape-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'prometheus.yaml'), shown);
    expect(promtool('check', join(folder, 'prometheus.yaml'), 'config')).toEqual(SUCCESS);
  });
});
