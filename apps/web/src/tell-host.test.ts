import { describe, expect, it, vi } from 'vitest';
import { CANCELLED, CONNECTED, DEADLINE, PASSWORD, SHOWING, WAITING } from '../test/watch.ts';
import { createHost, hostWindows } from './tell-host.ts';

const APP = 'https://app.example.com';
const SHOP = 'https://shop.example.com:8443';

function openHost(...answers: (readonly string[] | Error)[]) {
  const postMessage = vi.fn();
  const originsOf = vi.fn(async (_sessionId: string) => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error || answer === undefined) throw answer;
    return answer;
  });
  return { host: createHost({ windows: [{ postMessage }], originsOf }), postMessage, originsOf };
}
const told = (postMessage: ReturnType<typeof vi.fn>) => expect.poll(() => postMessage).toHaveBeenCalled();

describe('the page that opened the login', () => {
  it('gets the result and nothing else, at each origin by its name', async () => {
    const { host, postMessage } = openHost([APP, SHOP]);
    host.tell({ ...CONNECTED, reference: 'order-77', returnUrl: 'https://app.example.com/?secret' });
    await told(postMessage);
    const message = { type: 'qrcast.result', version: 1, sessionId: 'ses_1', state: 'connected', endReason: null, resumable: false };
    expect(postMessage.mock.calls).toEqual([
      [message, APP],
      [message, SHOP],
    ]);
  });

  it.each([
    ['deadline', true, DEADLINE],
    ['cancelled', false, CANCELLED],
  ])('gets an end with its reason: %s', async (endReason, resumable, session) => {
    const { host, postMessage } = openHost([APP]);
    host.tell(session);
    await told(postMessage);
    expect(postMessage.mock.calls[0]?.[0]).toMatchObject({ state: 'ended', endReason, resumable });
  });

  it('gets nothing that is not a result', async () => {
    const { host, postMessage, originsOf } = openHost([APP]);
    for (const session of [WAITING, SHOWING, PASSWORD]) host.tell(session);
    expect(originsOf).not.toHaveBeenCalled();
    expect(postMessage).not.toHaveBeenCalled();
  });

  it('gets no message to a wildcard origin, and others in the browsers’ form', async () => {
    const { host, postMessage } = openHost(['*', '/', 'null', '', 'data:x', 'https://Пример.рф:443/', 'capacitor://localhost', APP]);
    host.tell(CONNECTED);
    await told(postMessage);
    expect(postMessage.mock.calls.map(([, origin]) => origin)).toEqual(['https://xn--e1afmkfd.xn--p1ai', 'capacitor://localhost', APP]);
  });

  it('gets nothing if the tenant allows no origins', async () => {
    const { host, postMessage, originsOf } = openHost([]);
    host.tell(CONNECTED);
    await expect.poll(() => originsOf.mock.results).toHaveLength(1);
    await originsOf.mock.results[0]?.value;
    expect(postMessage).not.toHaveBeenCalled();
  });
});

describe('the origins', () => {
  it('are requested once, before they are needed, and not if there is no other page', async () => {
    const { host, originsOf, postMessage } = openHost([APP]);
    host.prepare('ses_1');
    host.prepare('ses_1');
    host.tell(CONNECTED);
    await told(postMessage);
    expect(originsOf).toHaveBeenCalledOnce();
    const alone = createHost({ windows: [], originsOf });
    alone.prepare('ses_1');
    alone.tell(CONNECTED);
    expect(originsOf).toHaveBeenCalledOnce();
  });

  it('are requested again if the request failed', async () => {
    const { host, originsOf, postMessage } = openHost(new Error('stopping'), new Error('still'), [APP]);
    host.prepare('ses_1');
    await expect.poll(() => originsOf.mock.results).toHaveLength(1);
    await Promise.allSettled([originsOf.mock.results[0]?.value]);
    host.tell(CONNECTED);
    await told(postMessage);
    expect(originsOf).toHaveBeenCalledTimes(3);
  });
});

it('finds the pages around it', () => {
  const page = (opener: unknown, parent?: unknown) => {
    const self = { opener } as unknown as Window;
    return Object.assign(self, { parent: parent ?? self });
  };
  const other = page(null);
  expect(hostWindows(page(null))).toEqual([]);
  expect(hostWindows(page(other))).toEqual([other]);
  expect(hostWindows(page(null, other))).toEqual([other]);
});
