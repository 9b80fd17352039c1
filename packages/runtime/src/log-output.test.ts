import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createLogOutput } from './log-output.ts';

/** Like a pipe: it accepts data only when the test says so. */
function openReader() {
  const taken: string[] = [];
  const waiting: (() => void)[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      waiting.push(() => {
        taken.push(String(chunk));
        done();
      });
    },
  });
  return {
    stream,
    taken,
    async takeAll() {
      while (stream.writableLength > 0) {
        waiting.shift()?.();
        await new Promise(setImmediate);
      }
    },
  };
}

const LINE = `${'x'.repeat(64 * 1024 - 1)}\n`;

describe('a log output', () => {
  it('keeps a limited part for a stalled reader, and reports what it dropped', async () => {
    const { stream, taken, takeAll } = openReader();
    const told: number[] = [];
    const output = createLogOutput(stream, (lines) => void told.push(lines));
    for (let i = 0; i < 1_000; i++) output.write(LINE);
    expect(stream.writableLength).toBeLessThan(2 * 1024 * 1024);
    expect(told).toEqual([]);
    await takeAll();
    expect(told).toEqual([1_000 - taken.length]);
    output.write('after\n');
    await takeAll();
    expect(taken.at(-1)).toBe('after\n');
    expect(told).toHaveLength(1);
  });

  it('survives a reader that goes away', async () => {
    const stream = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) });
    const output = createLogOutput(stream, () => undefined);
    output.write('one\n');
    await new Promise(setImmediate);
    output.write('two\n');
    await new Promise(setImmediate);
    await new Promise<void>((resolve) => output.flush(resolve));
  });

  it('is flushed when everything was written', async () => {
    const { stream, taken, takeAll } = openReader();
    const output = createLogOutput(stream, () => undefined);
    output.write(LINE);
    const flushed = new Promise<void>((resolve) => output.flush(resolve));
    await takeAll();
    await flushed;
    expect(taken).toEqual([LINE]);
  });
});
