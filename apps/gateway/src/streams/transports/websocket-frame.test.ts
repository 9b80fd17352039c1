import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createFrameMemory, textFrame } from './websocket-frame.ts';

let http: Server;
let socket: Duplex;
let client: WebSocket;
beforeAll(async () => {
  http = createServer();
  const server = new WebSocketServer({ noServer: true });
  const upgraded = new Promise<Duplex>((resolve) =>
    http.on('upgrade', (request, raw, head) => server.handleUpgrade(request, raw, head, () => resolve(raw))),
  );
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`); // it listens on TCP
  socket = await upgraded;
});
afterAll(async () => {
  client.terminate();
  socket.destroy();
  await new Promise((resolve) => http.close(resolve));
});

/** What the client reads. */
const read = (count: number): Promise<string[]> =>
  new Promise((resolve, reject) => {
    const texts: string[] = [];
    const onMessage = (data: Buffer, isBinary: boolean): void => {
      if (isBinary) reject(new Error('expected a text'));
      if (texts.push(String(data)) < count) return;
      client.off('message', onMessage);
      resolve(texts);
    };
    client.on('message', onMessage);
  });

it.each([0, 1, 125, 126, 127, 65_535, 65_536, 200_000])('a text of %i bytes is read as it was', async (length) => {
  const text = 'x'.repeat(length);
  const texts = read(1);
  socket.write(textFrame([text]));
  expect(await texts).toEqual([text]);
});

it('counts bytes, not characters, and writes one frame after another', async () => {
  const all = ['é'.repeat(63), 'я'.repeat(32_768), '😀'.repeat(50), '', 'last'];
  const texts = read(all.length);
  for (const text of all) socket.write(textFrame([text]));
  expect(await texts).toEqual(all);
});

describe('a memory of frames', () => {
  const open = () => createFrameMemory(({ text }: { text: string }) => [text]);

  it('makes the frame of a message once, and writes the next one over it', () => {
    const memory = open();
    const [one, two] = [{ text: 'one' }, { text: 'two' }];
    const frame = memory.frameOf(one);
    expect(memory.frameOf(one)).toBe(frame);
    expect(String(frame)).toBe(String(textFrame(['one'])));
    expect(String(memory.frameOf(two))).toBe(String(textFrame(['two'])));
    expect(String(frame)).toBe(String(textFrame(['two']))); // the same bytes
    expect(String(memory.frameOf(one))).toBe(String(textFrame(['one'])));
  });

  it.each([
    ['leaves a frame to a reader that is slow, so that it reads what was sent', true],
    ['otherwise writes over what is not sent yet (twin)', false],
  ])('%s', async (_what, leaves) => {
    const memory = open();
    const sent = Array.from({ length: 100 }, (_, i) => `${i} `.repeat(30_000));
    client.pause();
    const texts = read(sent.length);
    for (const text of sent) {
      socket.write(memory.frameOf({ text }));
      if (leaves && socket.writableLength > 0) memory.leave();
    }
    expect(socket.writableLength).toBeGreaterThan(0); // the kernel has not taken all
    client.resume();
    if (leaves) expect(await texts).toEqual(sent);
    else await expect(texts.then((all) => all.join() === sent.join())).resolves.toBe(false);
  });

  it('leaves a frame that is still needed as it is', () => {
    const memory = open();
    const one = { text: 'one' };
    const frame = memory.frameOf(one);
    memory.leave();
    expect(memory.frameOf(one)).toBe(frame); // the viewers of the same message share it
    memory.frameOf({ text: 'two' });
    expect(String(frame)).toBe(String(textFrame(['one'])));
  });

  it('keeps a memory for each size while frames with and without pictures alternate', () => {
    const memory = open();
    const buffers = new Set<unknown>();
    for (let i = 0; i < 100; i++) buffers.add(memory.frameOf({ text: 'x'.repeat(i % 2 === 0 ? 100 : 7_000 + i) }).buffer);
    expect(buffers.size).toBeLessThanOrEqual(3);
  });

  it.each([0, 125, 126, 65_535, 65_536, 200_000])(
    'has room for a text of %i bytes, and holds no more than four times as much, or 2 kB',
    (length) => {
      const memory = open();
      memory.frameOf({ text: 'x'.repeat(300_000) });
      const frame = memory.frameOf({ text: 'x'.repeat(length) });
      expect(String(frame)).toBe(String(textFrame(['x'.repeat(length)])));
      expect(frame.buffer.byteLength).toBeLessThanOrEqual(Math.max(4 * frame.length, 2_048));
    },
  );
});
