import { decode as decodePng } from 'fast-png';
import { decodeQR } from 'qr/decode.js';
import { expect, test } from 'vitest';
import { callJson, createClock, methodUrl, simulatorForTest } from '../test/fixtures.ts';
import { createCodes } from './codes.ts';

/** The text that a phone reads in a base64 PNG, and the side of the picture in pixels. */
function read(base64: string): { link: string; side: number; levels: number[] } {
  const { width, height, channels, data } = decodePng(Buffer.from(base64, 'base64'));
  expect([channels, width]).toEqual([1, height]);
  const rgb = new Uint8Array(width * height * 3);
  for (const [at, level] of data.entries()) rgb.fill(level, at * 3, at * 3 + 3);
  return { link: decodeQR({ width, height, data: rgb }), side: width, levels: [...new Set(data)].sort((a, b) => a - b) };
}

test('a picture contains the current link, in black and white, 300 to 400 pixels wide', async () => {
  const simulator = await simulatorForTest();
  const instance = simulator.createInstance();
  const answer = await callJson(methodUrl(simulator, instance, 'qr'));
  expect(answer).toEqual({ type: 'qrCode', message: expect.stringMatching(/^[A-Za-z0-9+/]+=*$/) });
  const { link, side, levels } = read((answer as { message: string }).message);
  expect(link).toBe(instance.code());
  expect(link).toMatch(/^https:\/\/max\.ru\/:auth\/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(side).toBeGreaterThanOrEqual(300);
  expect(side).toBeLessThanOrEqual(400);
  expect(levels).toEqual([0, 255]);
});

test('the code stays for the time of a rotation and changes with it', async () => {
  const { now, advance } = createClock();
  const simulator = await simulatorForTest({ now, rotateMs: 20_000 });
  const instance = simulator.createInstance();
  const url = methodUrl(simulator, instance, 'qr');
  const first = await callJson(url);
  const firstLink = instance.code();
  advance(19_999);
  expect(await callJson(url)).toEqual(first);
  advance(1);
  expect(await callJson(url)).not.toEqual(first);
  expect(instance.code()).not.toBe(firstLink);
});

test('without a pool two instances never share a code, and the same seed repeats them', async () => {
  const [one, other] = [await simulatorForTest(), await simulatorForTest()];
  const [a, b] = [one.createInstance(), one.createInstance()];
  expect(a.code()).not.toBe(b.code());
  expect(other.createInstance().code()).toBe(a.code());
});

test('a pool is drawn once and shared, and the current link is still known', async () => {
  const { now, advance } = createClock();
  const simulator = await simulatorForTest({ now, rotateMs: 1_000, codePool: 2 });
  const instances = Array.from({ length: 5 }, () => simulator.createInstance());
  const links = new Set<string | null>();
  for (let turn = 0; turn < 4; turn++) {
    for (const instance of instances) links.add(instance.code());
    advance(1_000);
  }
  expect(links.size).toBe(2);
  const [instance] = instances;
  if (instance === undefined) throw new Error('no instance');
  const before = instance.code();
  const { message } = (await callJson(methodUrl(simulator, instance, 'qr'))) as { message: string };
  expect(read(message).link).toBe(before);
  advance(1_000);
  expect(instance.code()).not.toBe(before);
});

test('the answer of a code is drawn once', () => {
  const code = createCodes({ seed: 'test', codePool: 0 }).code('owner', 0);
  expect(code.answer()).toBe(code.answer());
});
