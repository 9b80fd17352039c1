import { expect, test } from 'vitest';
import { call, simulatorForTest } from '../test/fixtures.ts';
import { openSimulator } from './simulator.ts';

test("ids, tokens and phones look like the provider's and differ between instances", async () => {
  const simulator = await simulatorForTest();
  const [one, other] = [simulator.createInstance(), simulator.createInstance()];
  expect(one.idInstance).toMatch(/^3100\d{8}$/);
  expect(one.apiToken).toMatch(/^[0-9a-f]{50}$/);
  expect([one.idInstance, one.apiToken, one.phone]).not.toEqual([other.idInstance, other.apiToken, other.phone]);
  expect(simulator.instance(one.idInstance)).toBe(one);
});

test('without a seed two simulators have different tokens', async () => {
  const simulators = [await openSimulator(), await openSimulator()];
  const [first, second] = simulators.map((simulator) => simulator.createInstance().apiToken);
  expect(first).not.toBe(second);
  await Promise.all(simulators.map((simulator) => simulator.close()));
});

test('a given id is not used again', async () => {
  const simulator = await simulatorForTest();
  simulator.createInstance({ idInstance: '310000000002' });
  expect(simulator.createInstance().idInstance).toBe('310000000003');
  expect(() => simulator.createInstance({ idInstance: '310000000002' })).toThrow(expect.objectContaining({ code: 'duplicate_instance' }));
  expect(() => simulator.instance('310000000009')).toThrow(expect.objectContaining({ code: 'unknown_instance' }));
});

test.each([{ idInstance: '0123' }, { idInstance: 'one' }, { apiToken: 'a/b' }, { phone: '+7999' }])('%j is refused', async (options) => {
  const simulator = await simulatorForTest();
  expect(() => simulator.createInstance(options)).toThrow(expect.objectContaining({ code: 'invalid_option' }));
});

test('an unknown path gets the 404 page of nginx', async () => {
  const simulator = await simulatorForTest();
  expect(await call(`${simulator.url}/favicon.ico`)).toMatchObject({ status: 404, text: expect.stringContaining('nginx') });
});

test('opening fails if the port is in use', async () => {
  const simulator = await simulatorForTest();
  await expect(openSimulator({ port: Number(new URL(simulator.url).port) })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('close may be called twice, and then nothing answers', async () => {
  const simulator = await simulatorForTest();
  await Promise.all([simulator.close(), simulator.close()]);
  await simulator.close();
  await expect(call(simulator.url)).rejects.toThrow();
});
