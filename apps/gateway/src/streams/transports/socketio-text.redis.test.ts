/**
 * A body that is not UTF-8 is refused once when it is posted to Socket.IO. A second answer would
 * throw where nobody catches it, and end the gateway. An attack would need no ticket.
 */

import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { openTestGateway, type TestGateway } from '../../../test/gateway.ts';
import { sendRaw, statuses } from '../../../test/raw-http.ts';

const PATH = '/socket.io/?EIO=4';

let test: TestGateway;
let thrown: unknown[];
const note = (error: unknown): void => void thrown.push(error);

beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());
beforeEach(() => {
  thrown = [];
  process.on('uncaughtException', note);
});
afterEach(() => process.off('uncaughtException', note));

async function openPolling(): Promise<string> {
  const opened = await (await fetch(`${test.url}${PATH}&transport=polling`)).text();
  return (JSON.parse(opened.slice(1)) as { sid: string }).sid;
}

/** @returns the statuses of all answers, once the connection is closed */
async function post(query: string, headers: readonly string[], bytes: number): Promise<readonly string[]> {
  const head = [`POST ${PATH}&${query} HTTP/1.1`, 'Host: x', `Content-Length: ${bytes}`, ...headers, '', ''].join('\r\n');
  const answers = await sendRaw(test.gateway.port, head, Buffer.alloc(bytes, 0xff));
  expect((await fetch(`${test.url}/healthz`)).status).toBe(200);
  return statuses(answers);
}

it.each([
  ['few', 400],
  ['more than a message may have', 20_000],
  ['far more', 200_000],
])('by polling, of %s bytes', async (_which, bytes) => {
  const answers = await post(`transport=polling&sid=${await openPolling()}`, ['Connection: close'], bytes);
  expect(answers.length).toBeLessThanOrEqual(1); // none if the connection is reset while it still sends
  expect(thrown).toEqual([]);
});

it.each([
  ['on a connection that there is not', 'sid=none', 'text/plain'],
  ['of a type that it does not take', null, 'application/octet-stream'],
  ['in another declared charset', null, 'text/plain; charset=windows-1251'],
  ['in a handshake', '', 'text/plain'],
])('by polling, %s', async (_which, sid, type) => {
  const query = sid ?? `sid=${await openPolling()}`;
  expect(await post(`transport=polling&${query}`, ['Connection: close', `Content-Type: ${type}`], 400)).toHaveLength(1);
  expect(thrown).toEqual([]);
});

const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];

it.each([
  ['of bytes', 'websocket', 'text/plain'],
  ['in another declared charset', 'websocket', 'text/plain; charset=windows-1251'],
  ['that names polling', 'polling', 'text/plain; charset=windows-1251'],
])('an upgrade by POST %s', async (_which, transport, type) => {
  expect(await post(`transport=${transport}`, [...UPGRADE, `Content-Type: ${type}`], 400)).toEqual(['400']);
  expect(thrown).toEqual([]);
});
