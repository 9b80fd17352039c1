import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { call, callJson } from '../test/fixtures.ts';

function start(port: string): ChildProcess {
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const child = spawn(process.execPath, [main], { env: { ...process.env, SIMULATOR_PORT: port }, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function textUntil(stream: NodeJS.ReadableStream | null, mark: string): Promise<string> {
  let text = '';
  for await (const chunk of stream ?? []) {
    text += String(chunk);
    if (text.includes(mark)) break;
  }
  return text;
}

/**
 * Reads the log of the other process until it has that many calls. It needs no pause of its own.
 */
async function untilLogged(url: string, count: number): Promise<void> {
  while (((await callJson(url)) as readonly unknown[]).length < count);
}

test.each(['SIGTERM', 'SIGINT'] as const)('prints commands that work and stops on %s', async (signal) => {
  const child = start('0');
  const printed = await textUntil(child.stdout, '/control\n');
  const [qr = '', scan = '', help = ''] = [...printed.matchAll(/curl (?:-X POST )?(http\S+)/g)].map(([, url]) => url);
  expect(await callJson(qr)).toMatchObject({ type: 'qrCode' });
  expect((await call(scan, 'POST')).text).toContain('"state":"authorized"');
  expect((await call(help)).status).toBe(200);
  const exited = once(child, 'exit');
  child.kill(signal);
  expect(await exited).toEqual([0, null]);
});

test('stops at once while answers hang, a reader waits and an instance restarts', async () => {
  const child = start('0');
  const printed = await textUntil(child.stdout, '/control\n');
  const [qr = '', scan = ''] = [...printed.matchAll(/curl (?:-X POST )?(http\S+)/g)].map(([, url]) => url);
  const control = scan.replace(/\/scan$/, '');
  for (const [method, fault] of [
    ['qr', 'hang'],
    ['getStateInstance', 'neverEnds'],
  ]) {
    await call(`${control}/faults`, 'POST', { method, fault });
  }
  await call(qr.replace('/qr/', '/setSettings/'), 'POST', { stateWebhook: 'yes' });
  const open = ['qr', 'getStateInstance', 'receiveNotification'].map((method) => call(qr.replace('/qr/', `/${method}/`)));
  const broken = Promise.allSettled(open);
  await untilLogged(`${control}/requests`, open.length + 1);
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
  expect((await broken).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
});

test('an invalid port is refused with the rule', async () => {
  const child = start('http');
  const exited = once(child, 'exit');
  expect(await textUntil(child.stderr, '\n')).toContain('SIMULATOR_PORT must be a whole number from 0 to 65535, but is "http"');
  expect(await exited).toEqual([1, null]);
});

test.each(['4000\r', '\u00a04000', '40\u200b00'])('a port with an invisible character is refused, and not echoed', async (port) => {
  const child = start(port);
  const exited = once(child, 'exit');
  const words = await textUntil(child.stderr, '\n');
  expect(words).toContain('SIMULATOR_PORT: expected no invisible character');
  expect(words).not.toContain('4000');
  expect(await exited).toEqual([1, null]);
});

test('one byte-order mark before the port is dropped', async () => {
  const child = start('\uFEFF0');
  const printed = await textUntil(child.stdout, '/control\n');
  const [, qr = ''] = /curl (http\S+)/.exec(printed) ?? [];
  expect(await callJson(qr)).toMatchObject({ type: 'qrCode' });
});
