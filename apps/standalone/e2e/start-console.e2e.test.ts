/** The console of `start`: who can open it, and with what. */

import { dirname } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { type Started, start, stop } from '../test/start-process.ts';

let started: Started;
afterEach(async () => void (await stop(started)));

const keyIn = (output: string, name: string): string | undefined => new RegExp(`${name} +(\\w\\w_\\S+)`).exec(output)?.[1];
const statusOf = async (path: string, key = 'none'): Promise<number> => {
  const { status, body } = await fetch(`${started.url}${path}`, { headers: { authorization: `Bearer ${key}` } });
  await body?.cancel();
  return status;
};

/** The first event of a stream. */
async function firstOf(path: string, key: string): Promise<string> {
  const { body } = await fetch(`${started.url}${path}`, { headers: { authorization: `Bearer ${key}` } });
  let text = '';
  for await (const part of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += part;
    if (/^data: .*\n\n/m.test(text)) break;
  }
  return text;
}

it('is named without a key, and opened by an admin key of this run and by the API key', async () => {
  started = await start();
  const [admin = '', tenant = ''] = [keyIn(started.output(), 'Admin key'), keyIn(started.output(), 'API key')];
  expect(started.output()).toContain(`    ${started.url}/console\n`);
  expect(await statusOf('/console')).toBe(200);
  expect([await statusOf('/v1/admin/tenants', admin), await statusOf('/v1/sessions', tenant)]).toEqual([200, 200]);
  for (const [path, key] of [
    ['/v1/admin/overview', admin],
    ['/v1/overview', tenant],
  ] as const)
    expect(await firstOf(path, key)).toContain('"tenantId":"default"');
});

it.runIf(process.platform === 'linux')('shows what goes on over the stand-in for Redis as well', async () => {
  started = await start({ PATH: dirname(process.execPath) });
  expect(started.output()).toContain('DEMO ONLY');
  expect(await firstOf('/v1/admin/overview', keyIn(started.output(), 'Admin key') ?? '')).toContain('"tenantId":"default"');
});

it('has no admin key where others may reach it, and repeats none that was given', async () => {
  const given = '0d1c7f6a5b4e39281706f5e4';
  started = await start({ QRCAST_PUBLIC_URL: 'http://qrcast.example.com', QRCAST_ADMIN_KEY: given });
  expect(started.output()).not.toContain(given);
  expect(keyIn(started.output(), 'Admin key')).toBeUndefined();
  await stop(started);
  started = await start({ QRCAST_PUBLIC_URL: 'http://qrcast.example.com' });
  expect(keyIn(started.output(), 'Admin key')).toBeUndefined();
});

it('is off if that is asked for, and no admin key is made', async () => {
  started = await start({ QRCAST_CONSOLE: 'off' });
  expect(started.output()).not.toMatch(/console|admin key/i);
  expect(await statusOf('/console')).toBe(404);
});
