import { expect, test } from 'vitest';
import { callJson, createClock, methodUrl, simulatorForTest } from '../test/fixtures.ts';

const fail = (reason: string): unknown => ({ status: true, data: { status: 'fail', reason } });
const SUCCESS = { status: true, data: { status: 'success', reason: '' } };

test('the password step: requested, refused, accepted', async () => {
  const simulator = await simulatorForTest();
  const instance = simulator.createInstance();
  const url = methodUrl(simulator, instance, 'sendAuthorizationPassword');
  expect(await callJson(url, { password: 'secret' })).toEqual(fail('authorization_not_started'));
  instance.scanWithPassword('secret');
  expect(instance.state()).toBe('pendingPassword');
  expect(await callJson(url, { password: 'guess' })).toEqual(fail('invalid_password'));
  expect(instance.state()).toBe('pendingPassword');
  expect(await callJson(url, { password: 'secret' })).toEqual(SUCCESS);
  expect(instance.state()).toBe('authorized');
  expect(await callJson(url, { password: 'secret' })).toEqual(fail('already_registered'));
});

test('after five wrong passwords the right one must wait a minute', async () => {
  const { now, advance } = createClock();
  const simulator = await simulatorForTest({ now });
  const instance = simulator.createInstance({ cloudPassword: 'secret' });
  const url = methodUrl(simulator, instance, 'sendAuthorizationPassword');
  instance.scan();
  for (let attempt = 0; attempt < 5; attempt++) expect(await callJson(url, { password: 'guess' })).toEqual(fail('invalid_password'));
  expect(await callJson(url, { password: 'secret' })).toEqual(fail('rate_limit_exceeded'));
  advance(60_000);
  expect(await callJson(url, { password: 'secret' })).toEqual(SUCCESS);
});

test('only the current code can be scanned', async () => {
  const { now, advance } = createClock();
  const simulator = await simulatorForTest({ now, rotateMs: 1_000 });
  const instance = simulator.createInstance();
  const expired = instance.code() ?? '';
  advance(1_000);
  expect(() => instance.scan(expired)).toThrow(expect.objectContaining({ code: 'no_code' }));
  expect(instance.state()).toBe('notAuthorized');
  instance.scan(instance.code() ?? '');
  expect(instance.state()).toBe('authorized');
});

test('without a current code there is nothing to scan, and the password does not change', async () => {
  const simulator = await simulatorForTest();
  const instance = simulator.createInstance({ state: 'starting' });
  expect(() => instance.scan()).toThrow(/is starting, not notAuthorized/);
  expect(() => instance.scanWithPassword('secret')).toThrow(expect.objectContaining({ code: 'no_code' }));
  instance.setState('notAuthorized');
  instance.scan();
  expect(instance.state()).toBe('authorized');
});

test('a state that was set stays, even if a restart was under way', async () => {
  const { now, advance } = createClock();
  const simulator = await simulatorForTest({ now, startingMs: 1_000 });
  const instance = simulator.createInstance();
  await callJson(methodUrl(simulator, instance, 'logout'));
  instance.setState('blocked');
  advance(10_000);
  expect(instance.state()).toBe('blocked');
  instance.setState('starting');
  advance(600_000);
  expect(instance.state()).toBe('starting');
});
