import { describe, expect, it } from 'vitest';
import { createLog } from '../log.ts';
import { SETTINGS } from './settings-table.ts';
import { findUnknownSettings, unknownSettingText, warnOfUnknownSettings } from './unknown-settings.ts';

const nearestOf = (name: string): string | null | undefined => findUnknownSettings([name])[0]?.nearest;

describe('variables that are not settings', () => {
  it('are those with our prefix that nothing of ours reads, in order', () => {
    const names = ['QRCAST_ZZZ', 'PATH', 'REDIS_URI', 'QRCASTING', 'QRCAST_LOG_LEVEL', 'QRCAST_MAX_CONECTIONS'];
    expect(findUnknownSettings(names)).toEqual([
      { variable: 'QRCAST_ZZZ', nearest: null },
      { variable: 'QRCAST_MAX_CONECTIONS', nearest: 'QRCAST_MAX_CONNECTIONS' },
    ]);
  });

  it('do not include variables of a role, the command line, the examples or the tests', () => {
    const others = [
      'QRCAST_API_KEY',
      'QRCAST_ACCOUNT_PASSWORD',
      'QRCAST_WEBHOOK_TOKEN',
      'QRCAST_URL',
      'QRCAST_CALLBACK_SECRET',
      'QRCAST_SCREENSHOTS',
    ];
    expect(findUnknownSettings([...Object.keys(SETTINGS), ...others])).toEqual([]);
  });

  it.each([
    ['QRCAST_MAX_CONECTIONS', 'QRCAST_MAX_CONNECTIONS'],
    ['QRCAST_POLL_INTERVAL', 'QRCAST_POLL_INTERVAL_MS'],
    ['QRCAST_SECRET_KEY', 'QRCAST_SECRET_KEYS'],
    ['QRCAST_TENANT_VIEWER', 'QRCAST_TENANT_VIEWERS'],
    ['QRCAST_REDIS_URL', 'REDIS_URL'],
    ['QRCAST_PORT', 'PORT'],
    ['QRCAST_ACOUNT_PASSWORD', 'QRCAST_ACCOUNT_PASSWORD'],
    ['QRCAST_KEY', null],
    ['QRCAST_HOST', null],
    ['QRCAST_WEBHOOK_HOSTS', null],
    ['QRCAST_', null],
  ])('%s may have been meant as %s', (name, expected) => {
    expect(nearestOf(name)).toBe(expected);
  });

  it('are cut where the rest of the name may be a secret', () => {
    expect(findUnknownSettings(['QRCAST_ADMIN_KEY:5ec2e7', 'QRCAST_SECRET_KEYS k1', 'QRCAST_\u001b[31m'])).toEqual([
      { variable: 'QRCAST_ADMIN_KEY…', nearest: 'QRCAST_ADMIN_KEY' },
      { variable: 'QRCAST_SECRET_KEYS…', nearest: 'QRCAST_SECRET_KEYS' },
      { variable: 'QRCAST_…', nearest: null },
    ]);
  });

  it('do not include what Kubernetes sets for a service whose name begins like ours', () => {
    const links = (service: string): string[] =>
      ['SERVICE_HOST', 'SERVICE_PORT', 'SERVICE_PORT_HTTP', 'PORT', 'PORT_3000_TCP', 'PORT_3000_TCP_PROTO', 'PORT_3000_TCP_ADDR'].map(
        (end) => `${service}_${end}`,
      );
    const names = [...links('QRCAST'), ...links('QRCAST_GATEWAY')];
    expect(findUnknownSettings([...names, 'QRCAST_WORKER_PORT', 'QRCAST_SERVICE'])).toEqual([
      { variable: 'QRCAST_WORKER_PORT', nearest: null },
      { variable: 'QRCAST_SERVICE', nearest: null },
    ]);
  });
});

describe('they are reported', () => {
  it('in a sentence', () => {
    expect(findUnknownSettings(['QRCAST_MAX_CONECTIONS', 'QRCAST_ZZZ']).map(unknownSettingText)).toEqual([
      'QRCAST_MAX_CONECTIONS is not a setting of qrcast and is ignored; did you mean QRCAST_MAX_CONNECTIONS?',
      'QRCAST_ZZZ is not a setting of qrcast and is ignored',
    ]);
  });

  it('in one log line each', () => {
    const lines: string[] = [];
    const log = createLog('test', 'info', { write: (line) => void lines.push(line) });
    warnOfUnknownSettings(['QRCAST_SECRET_KEY', 'QRCAST_ZZZ', 'PATH'], log);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 40, variable: 'QRCAST_SECRET_KEY', nearest: 'QRCAST_SECRET_KEYS' },
      { level: 40, variable: 'QRCAST_ZZZ', nearest: null },
    ]);
  });
});
