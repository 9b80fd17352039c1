/** Which commands go out in one write to a node of a cluster. */

import { Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { Command } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { writeInBatches } from './write-batches.ts';

/** Keeps what it was told to write, one text for each write. */
function openSink(): { stream: Writable; written: string[] } {
  const written: string[] = [];
  const stream = new Writable({
    writev: (chunks, done) => {
      written.push(chunks.map(({ chunk }) => String(chunk)).join(' '));
      done();
    },
  });
  return { stream, written };
}

function openConnection(waitsForAnswers: boolean) {
  const at = openSink();
  const node = { at };
  const batch = writeInBatches(() => node.at.stream, waitsForAnswers);
  const send = (name: string): Command => {
    const command = new Command('get', [name], {}, () => undefined);
    batch(command);
    node.at.stream.write(name);
    return command;
  };
  return { node, send };
}

const answer = (command: Command): void => command.resolve(Buffer.from('OK'));

// Only a test of a lost answer lets this time pass.
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

describe('a connection for commands', () => {
  it('writes those of one moment together', async () => {
    const { node, send } = openConnection(true);
    for (const name of ['a', 'b', 'c']) send(name);
    await turn();
    expect(node.at.written).toEqual(['a b c']);
  });

  it('writes those that come until the last batch is answered together', async () => {
    const { node, send } = openConnection(true);
    const [a] = [send('a'), await turn()];
    send('b');
    await turn();
    const c = send('c');
    await turn();
    expect(node.at.written).toEqual(['a']);
    answer(a);
    await turn();
    expect(node.at.written).toEqual(['a', 'b c']);
    answer(c);
    await turn();
    send('d');
    await turn();
    expect(node.at.written).toEqual(['a', 'b c', 'd']);
  });

  it('waits for the last answer of a batch, and a refusal is one', async () => {
    const { node, send } = openConnection(true);
    const [a, b] = [send('a'), send('b'), await turn()];
    send('c');
    answer(a);
    await turn();
    expect(node.at.written).toEqual(['a b']);
    b.promise.catch(() => undefined);
    b.reject(new Error('refused'));
    await turn();
    expect(node.at.written).toEqual(['a b', 'c']);
  });

  it('does not wait long for an answer that does not come', async () => {
    const { node, send } = openConnection(true);
    send('a');
    await turn();
    send('b');
    await turn();
    vi.advanceTimersByTime(4);
    expect(node.at.written).toEqual(['a']);
    vi.advanceTimersByTime(1);
    await turn();
    expect(node.at.written).toEqual(['a', 'b']);
  });

  it('does not wait for what an earlier connection was asked', async () => {
    const { node, send } = openConnection(true);
    const [a] = [send('a'), await turn()];
    node.at = openSink();
    send('b');
    await turn();
    expect(node.at.written).toEqual(['b']);
    send('c');
    answer(a); // is none of this connection's
    await turn();
    expect(node.at.written).toEqual(['b']);
  });
});

it('a connection for BullMQ, which blocks, waits for no answer', async () => {
  const { node, send } = openConnection(false);
  for (const name of ['a', 'b']) {
    send(name);
    await turn();
  }
  expect(node.at.written).toEqual(['a', 'b']);
});
