import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSettings, SettingsError } from './settings.ts';
import { findUnknownSettings } from './unknown-settings.ts';

const KEY = '4f1c9d77b0a25e6833cd91f0a7e4b2586d13';

describe('a secret in a file', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'qrcast-secret-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function write(content: string | Uint8Array): string {
    const path = join(folder, 'secret');
    writeFileSync(path, content);
    return path;
  }
  function faultOf(env: Record<string, string>): string {
    try {
      readSettings(env, ['QRCAST_ADMIN_KEY']);
    } catch (error) {
      expect(error).toBeInstanceOf(SettingsError);
      return (error as SettingsError).faults.join('\n');
    }
    return 'none';
  }

  it.each([
    ['alone', KEY],
    ['before a line end', `${KEY}\n`],
    ['before a line end of Windows', `${KEY}\r\n`],
    ['after a byte-order mark', `\uFEFF${KEY}`],
  ])('is read %s', (_where, content) => {
    expect(readSettings({ QRCAST_ADMIN_KEY_FILE: write(content) }, ['QRCAST_ADMIN_KEY']).QRCAST_ADMIN_KEY).toBe(KEY);
  });

  it('counts as set where it is required', () => {
    const env = { REDIS_URL_FILE: write('redis://127.0.0.1:6379\n') };
    expect(readSettings(env, ['REDIS_URL'], ['REDIS_URL']).REDIS_URL).toBe('redis://127.0.0.1:6379');
  });

  it('is judged like a variable, and never repeated', () => {
    const fault = faultOf({ QRCAST_ADMIN_KEY_FILE: write('too-short-5ec2e7') });
    expect(fault).toContain('QRCAST_ADMIN_KEY: expected at least 24 characters');
    expect(fault).not.toContain('5ec2e7');
  });

  it.each([
    ['that is not there', () => '/nowhere/at-all', 'cannot be read (ENOENT)'],
    ['that is empty', () => write('\n'), 'the file is empty'],
    ['in another encoding', () => write(Uint8Array.of(0xff, 0xfe, 0x41)), 'expected UTF-8'],
  ])('%s is a fault', (_what, file, fault) => {
    expect(faultOf({ QRCAST_ADMIN_KEY_FILE: file() })).toMatch(
      new RegExp(`^QRCAST_ADMIN_KEY_FILE: .*${fault.replaceAll(/[()]/g, '\\$&')}`),
    );
  });

  it('and in its variable, too, is a fault', () => {
    const fault = faultOf({ QRCAST_ADMIN_KEY: KEY, QRCAST_ADMIN_KEY_FILE: write(KEY) });
    expect(fault).toBe('QRCAST_ADMIN_KEY and QRCAST_ADMIN_KEY_FILE: expected one of them, but both are set');
  });

  it('has no variable that is reported as unknown, and nothing else has a file', () => {
    expect(findUnknownSettings(['QRCAST_ADMIN_KEY_FILE', 'QRCAST_API_KEY_FILE', 'QRCAST_SECRET_KEYS_FILE'])).toEqual([]);
    expect(findUnknownSettings(['QRCAST_CONSOLE_FILE'])).toHaveLength(1);
  });
});
