/** Polled bodies that the engine answers, too: each is answered once, and none of them ends the gateway. */

import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { openTestGateway, type TestGateway } from './test-gateway.ts';
import { sendRaw, statuses } from './test-raw-http.ts';

let test: TestGateway;
/** What would have ended a gateway of its own; here vitest would tell it of the whole file. */
const uncaught: Error[] = [];
const take = (error: Error): void => void uncaught.push(error);
beforeAll(async () => {
  process.on('uncaughtException', take);
  test = await openTestGateway();
});
afterAll(async () => {
  await test.close();
  process.off('uncaughtException', take);
});

const PATH = '/socket.io/?EIO=4&transport=polling';
const NOT_UTF8 = Buffer.from('42["\xe7\xe0\xea"]', 'latin1');
/** Above what the engine takes of a body. */
const TOO_MUCH = Buffer.alloc(200_000, 'a');

const port = (): number => Number(new URL(test.url).port);

function post(sid: string, body: Buffer, headers: readonly string[] = ['Connection: close']): Buffer {
  const head = [`POST ${PATH}&sid=${sid} HTTP/1.1`, 'Host: x', 'Content-Type: text/plain', `Content-Length: ${body.length}`, ...headers];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]);
}

async function open(): Promise<string> {
  const answer = await (await fetch(`${test.url}${PATH}`)).text();
  return (JSON.parse(answer.slice(1)) as { sid: string }).sid;
}

async function expectAlive(): Promise<void> {
  expect((await fetch(`${test.url}${PATH}`)).status).toBe(200);
  expect(uncaught.splice(0)).toEqual([]);
}

it('bytes that are not UTF-8, of a client that the engine does not know', async () => {
  expect(statuses(await sendRaw(port(), post('AAAAAAAAAAAAAAAAAAAA', NOT_UTF8)))).toEqual(['400']);
  await expectAlive();
});

it('bytes that are not UTF-8, beside a body that has not ended', async () => {
  const sid = await open();
  const whole = post(sid, Buffer.alloc(100, '4'));
  const first = sendRaw(port(), whole.subarray(0, -1));
  onTestFinished(async () => void (await first));
  expect(statuses(await sendRaw(port(), post(sid, NOT_UTF8)))).toEqual(['400']);
  await expectAlive();
});

it('bytes that are not UTF-8, and then more than is taken', async () => {
  const sid = await open();
  const answers = await sendRaw(port(), post(sid, Buffer.concat([NOT_UTF8, TOO_MUCH, TOO_MUCH])));
  expect(statuses(answers).length).toBeLessThanOrEqual(1); // the connection may be reset before it is read
  await expectAlive();
});

it('more than is taken, and then bytes that are not UTF-8', async () => {
  const sid = await open();
  const answers = await sendRaw(port(), post(sid, Buffer.concat([TOO_MUCH, NOT_UTF8, TOO_MUCH])));
  expect(statuses(answers).length).toBeLessThanOrEqual(1);
  await expectAlive();
});

it.each(['text/plain', 'text/plain; charset=windows-1251'])('an upgrade by POST of %s', async (type) => {
  const lines = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='];
  const request = post('x', NOT_UTF8, lines).toString('latin1').replace('text/plain', type);
  expect(statuses(await sendRaw(port(), Buffer.from(request, 'latin1')))).toEqual([expect.stringMatching(/^4/)]);
  await expectAlive();
});
