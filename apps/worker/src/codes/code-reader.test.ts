import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { createLog } from '@qrcast/runtime/log';
import { createMeters } from '@qrcast/runtime/metrics/meters';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader';
import { type CodeOptions, cut, drawCode, drawMaze, drawNothing, PNG_KINDS, pictureOf } from '../../test/pictures.ts';
import { type CodeReader, type CodeReaderOptions, openCodeReader } from './code-reader.ts';

const LINK = 'https://max.ru/:auth/0b8b6f0a-5d0e-4c3b-a1f2-7c9d1e2f3a4b';
/** Nothing is too late or too expensive on a busy machine, unless a test is about that. */
const PATIENT = { waitMs: 20_000, pictureMs: 20_000, share: 1 } as const;

const open: CodeReader[] = [];
const logged: string[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((reader) => reader.close()));
  expect(logged.splice(0).join()).not.toContain('max.ru');
});

function openReader(options: Partial<CodeReaderOptions> = {}): CodeReader {
  const log = createLog('test', 'trace', { write: (line) => void logged.push(line) });
  const reader = openCodeReader({ log, meters: createMeters() }, { ...PATIENT, ...options });
  open.push(reader);
  return reader;
}

const read = (reader: CodeReader, image: string): Promise<string | null> => reader.read(pictureOf(image));

/** The text, as soon as there is one. */
async function untilRead(reader: CodeReader, image: string): Promise<string> {
  for (;;) {
    const text = await read(reader, image);
    if (text !== null) return text;
    await nextTurn();
  }
}

let attempts = 0;
/**
 * Resolves once the thread reads. Each try uses a new picture, because a picture that was lost with
 * a thread is not tried again.
 */
async function untilWorking(reader: CodeReader): Promise<void> {
  while ((await read(reader, drawCode(`attempt ${attempts++}`, { scale: 2 }))) === null) await nextTurn();
}

describe('the text of a picture', () => {
  it('is read from every kind of PNG', async () => {
    const reader = openReader();
    for (const kind of Object.keys(PNG_KINDS) as (keyof typeof PNG_KINDS)[]) {
      expect(await read(reader, drawCode(LINK, { kind })), kind).toBe(LINK);
    }
  });

  const kilobyte = 'x'.repeat(1_024);
  const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1');

  it.each<[string, string, CodeOptions, string | null]>([
    ['other alphabets', 'привет 👋', {}, 'привет 👋'],
    ['digits alone', '0123456789', {}, '0123456789'],
    ['a small picture', LINK, { scale: 2 }, LINK],
    ['a large picture', LINK, { scale: 25 }, LINK],
    ['the longest text', kilobyte, { scale: 4 }, kilobyte],
    ['a longer one', `${kilobyte}x`, { scale: 4 }, null],
    ['control characters', 'a\nb', {}, null],
    ['a change of writing direction', 'https://example.com/\u202Egnp.exe', {}, null],
    ['bytes that a redrawn code would not have', 'café', { encoding: 'byte', textEncoder: latin1 }, null],
  ])('%s', async (_name, text, options, expected) => {
    expect(await read(openReader(), drawCode(text, options))).toBe(expected);
  });

  it('is null if there is nothing to read, and the next picture is still read', async () => {
    const reader = openReader();
    const code = drawCode(LINK);
    for (const image of [drawNothing(), cut(code), 'data:image/png;base64,', 'data:image/png;base64,AAAA', 'nonsense']) {
      expect(await read(reader, image), image.slice(0, 40)).toBeNull();
    }
    expect(await read(reader, code)).toBe(LINK);
    expect(logged).toEqual([]);
  });

  it('is not read from a picture far larger than any code', async () => {
    const [padded, bloated] = [100_000, 200_000].map((length) => drawCode(LINK) + 'A'.repeat(length));
    const reader = openReader();
    expect(await read(reader, padded ?? '')).toBe(LINK);
    expect(await read(reader, bloated ?? '')).toBeNull();
  });

  it('is read once for each digest, also if it cannot be read', async () => {
    const reader = openReader();
    const [code, other, nothing] = [drawCode(LINK), drawCode('another'), drawNothing()];
    await reader.read({ digest: 'good', image: code });
    await reader.read({ digest: 'bad', image: nothing });
    expect(await reader.read({ digest: 'good', image: other })).toBe(LINK);
    expect(await reader.read({ digest: 'bad', image: code })).toBeNull();
  });

  it('that comes too late for one poll is used by a later one', async () => {
    const reader = openReader({ waitMs: 0 });
    const image = drawCode(LINK);
    expect(await read(reader, image)).toBeNull(); // the thread is only starting
    expect(await untilRead(reader, image)).toBe(LINK);
  });
});

describe('a picture made to harm', () => {
  const maze = drawMaze();

  it('is given up after its time; without the limit it takes far longer', async () => {
    const timeOfMaze = async (reader: CodeReader): Promise<number> => {
      await untilWorking(reader);
      const startedAt = performance.now();
      expect(await read(reader, maze)).toBeNull();
      return performance.now() - startedAt;
    };
    const limited = openReader({ pictureMs: 250 });
    await timeOfMaze(limited); // given up: the log says so below
    expect(await timeOfMaze(openReader({ pictureMs: 60_000 }))).toBeGreaterThan(2 * 250);

    await untilWorking(limited); // again
    expect(logged.map((line) => JSON.parse(line).msg)).toContain('the thread that reads codes was lost; it will start again after a pause');
    const losses = logged.length;
    expect(await read(limited, maze)).toBeNull();
    expect(logged).toHaveLength(losses); // the same picture is not tried twice
  });

  it('does not block the process; read on the main thread it would', async () => {
    const wasmBinary = readFileSync(fileURLToPath(import.meta.resolve('zxing-wasm/reader/zxing_reader.wasm')));
    await prepareZXingModule({ overrides: { wasmBinary }, fireImmediately: true });
    const reader = openReader({ pictureMs: 60_000 });
    const bytes = Buffer.from(maze.slice(maze.indexOf(',') + 1), 'base64');
    const here = readBarcodes(bytes, { formats: ['QRCode'], tryHarder: false, tryRotate: false, tryInvert: false, tryDownscale: false });
    expect(await iterationsDuring(here)).toBeLessThan(5);
    expect(await iterationsDuring(read(reader, maze))).toBeGreaterThan(100);
  });

  it('is not read if it needs much memory, and the thread survives', async () => {
    const reader = openReader();
    expect(await read(reader, drawCode(LINK, { kind: '16-bit RGBA', scale: 50 }))).toBeNull();
    expect(await read(reader, drawCode(LINK, { scale: 50 }))).toBe(LINK); // as large, but not as deep
    expect(logged).toEqual([]);
  });

  /** Counts the iterations of this process's event loop. */
  async function iterationsDuring(work: Promise<unknown>): Promise<number> {
    let iterations = 0;
    let isOver = false;
    const settled = work.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await nextTurn();
      iterations++;
    }
    await settled;
    return iterations;
  }
});

describe('more pictures than can wait', () => {
  const images = Array.from({ length: 60 }, (_, i) => drawCode(`${LINK}/${i}`, { scale: 2 }));
  const readAll = (reader: CodeReader): Promise<readonly (string | null)[]> => Promise.all(images.map((image) => read(reader, image)));

  it.each([
    [20, 20],
    [1_000, 60],
  ])('with at most %i waiting, %i of 60 are read at once, and the others get null and are read later', async (maxWaiting, fit) => {
    const reader = openReader({ maxWaiting });
    const texts = await readAll(reader);
    expect(texts.map((text) => text !== null)).toEqual(images.map((_, i) => i < fit));
    expect(await untilRead(reader, images[59] ?? '')).toBe(`${LINK}/59`);
  });

  it.each([
    [1e-6, 1],
    [1, 60],
  ])('with a share of %f of a core, %i are read', async (share, fit) => {
    const reader = openReader({ share });
    expect((await readAll(reader)).filter((text) => text !== null)).toHaveLength(fit);
  });

  it('the same picture twice is read once', async () => {
    const reader = openReader({ share: 1e-6 }); // enough for one
    const [image = ''] = images;
    expect(await Promise.all([read(reader, image), read(reader, image)])).toEqual([`${LINK}/0`, `${LINK}/0`]);
  });
});

describe('the thread', () => {
  it.each([
    ['is not there', new URL('../none.ts', import.meta.url), 'Cannot find module'],
    ['is refused by Node', new URL('https://example.com/none.ts'), 'ERR_'],
  ])('whose file %s leaves codes unread, which is logged once', async (_name, threadFile, error) => {
    const reader = openReader({ threadFile });
    for (let i = 0; i < 5; i++) expect(await read(reader, drawCode(`${LINK}/${i}`, { scale: 2 }))).toBeNull();
    expect(logged).toHaveLength(1);
    expect(logged[0]).toContain(error);
    expect(JSON.parse(logged[0] ?? '')).toMatchObject({
      level: 50,
      msg: 'codes cannot be read and are shown only as pictures; this will be tried again',
    });
  });

  it('is started again if it dies between two pictures', async () => {
    const started = once(process, 'worker') as Promise<[Worker]>; // what Node emits with it
    const reader = openReader();
    const [thread] = await started;
    await untilWorking(reader);
    const dead = new Promise((resolve) => thread.once('exit', resolve));
    thread.postMessage(null); // no picture at all: it knows no answer
    await dead;
    await untilWorking(reader);
  });

  it('is ended during its work, and callers get null', async () => {
    const reader = openReader({ pictureMs: 60_000 });
    await read(reader, drawCode('it has started'));
    const reading = [read(reader, drawMaze()), read(reader, drawCode(LINK))];
    await Promise.all([reader.close(), reader.close()]);
    expect(await Promise.all(reading)).toEqual([null, null]);
    expect(await read(reader, drawCode('afterwards'))).toBeNull();
    expect(logged).toEqual([]);
  });

  it('keeps no process alive', async () => {
    const script = `
      const { openCodeReader } = await import(${JSON.stringify(new URL('./code-reader.ts', import.meta.url))});
      const { createMeters } = await import(${JSON.stringify(import.meta.resolve('@qrcast/runtime/metrics/meters'))});
      const reader = openCodeReader({ log: console, meters: createMeters() }, ${JSON.stringify(PATIENT)});
      process.stdout.write(await reader.read(${JSON.stringify(pictureOf(drawCode(LINK)))}));`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script]);
    onTestFinished(() => void child.kill());
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(output).toBe(LINK);
  });
});
