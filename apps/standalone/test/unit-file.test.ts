/** The units of `infra/systemd` fit the settings, and each other. */

import { readFileSync } from 'node:fs';
import { STOP_MARGIN_MS } from '@qrcast/runtime/process/service';
import { readSettings } from '@qrcast/runtime/process/settings';
import { expect, it } from 'vitest';
import { parseEnvironmentFile, parseUnit } from './unit-file.ts';

const read = (name: string): string => readFileSync(new URL(`../../../infra/systemd/${name}`, import.meta.url), 'utf8');
const ROLES = ['qrcast-gateway@.service', 'qrcast-worker@.service'];
const SERVICES = [...ROLES, 'qrcast-start.service'];

it.each(ROLES)('%s leaves time to drain', (name) => {
  const { QRCAST_DRAIN_MS } = readSettings({}, ['QRCAST_DRAIN_MS']);
  expect(1_000 * Number(parseUnit(read(name)).one('TimeoutStopSec'))).toBeGreaterThan(QRCAST_DRAIN_MS + STOP_MARGIN_MS);
});

it('qrcast-start.service leaves time to end its Redis', () => {
  expect(1_000 * Number(parseUnit(read('qrcast-start.service')).one('TimeoutStopSec'))).toBeGreaterThan(STOP_MARGIN_MS);
});

it('all services are shut in alike', () => {
  const [first, ...others] = SERVICES.map((name) => /\nUMask=[\s\S]*?(?=\n\[Install])/.exec(read(name))?.[0]);
  expect(first).toContain('NoNewPrivileges=yes');
  for (const other of others) expect(other).toBe(first);
});

it('only gateways and start are given the admin key', () => {
  expect(parseUnit(read('qrcast-worker@.service')).all('LoadCredential')).toEqual(['secrets.env:/etc/qrcast/secrets.env']);
  for (const name of ['qrcast.env', 'secrets.env']) expect(parseEnvironmentFile(read(name))).not.toHaveProperty('QRCAST_ADMIN_KEY');
});

it('a unit is read as systemd reads it', () => {
  const unit = parseUnit('[Service]\n# Type=notify\nType=exec\nEnvironment=A=1\nEnvironment=B=%i\n');
  expect([unit.one('Type'), unit.all('Environment')]).toEqual(['exec', ['A=1', 'B=%i']]);
  expect(() => unit.one('Environment')).toThrow('expected Environment once');
  expect(parseEnvironmentFile('# A=0\nA=1\nB=\n')).toEqual({ A: '1', B: '' });
});
