/**
 * A gateway and a worker that were opened and closed within a program leave nothing in it: it ends
 * by itself, and holds no timer, socket or listener more than before.
 */

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createReleasers } from '@qrcast/runtime/releasers';
import { openSimulator } from '@qrcast/simulator/simulator';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { createFirstSession } from '../test/first-session.ts';
import { COUNTED } from '../test/held.ts';
import { openRecordingClient, TRANSPORTS } from '../test/recording-client.ts';
import { type Program, spawnNode } from '../test/role-process.ts';

const PROGRAM = fileURLToPath(new URL('../test/open-and-close.ts', import.meta.url));

let releasers = createReleasers();
beforeEach(() => {
  releasers = createReleasers();
});
afterEach(() => releasers.release());

/** Resolves when the program has closed both. Before, viewers over every transport saw a code and left. */
async function openAndClose(leak: 'timer' | 'listener' | 'nothing'): Promise<Program> {
  const simulator = await openSimulator();
  releasers.push('simulator', () => simulator.close());
  const namespace = `test-${randomUUID().slice(0, 8)}`;
  const program = spawnNode([PROGRAM, inject('redisUrl'), namespace, simulator.url, leak], COUNTED);
  releasers.push('program', () => void program.child.kill('SIGKILL'));
  const [, line = ''] = await program.until(/^up: (.*)$/m);
  const { url, adminKey } = JSON.parse(line) as { url: string; adminKey: string };
  const { ticket } = await createFirstSession(url, adminKey, simulator);
  const viewers = TRANSPORTS.map((transport) => openRecordingClient({ transport, ticket, urls: [url] }));
  await Promise.all(viewers.map(({ until }) => until(({ state }) => state === 'showing')));
  await Promise.all(viewers.slice(2).map((viewer) => viewer.close())); // the others are closed by the gateway
  program.child.kill('SIGINT');
  await program.until(/^closed$/m);
  await Promise.all(viewers.map((viewer) => viewer.close()));
  return program;
}

const moreOf = (output: string): unknown => JSON.parse(/^more: (.*)$/m.exec(output)?.[1] ?? 'null');

it('leave nothing', async () => {
  const program = await openAndClose('nothing');
  if (program.child.exitCode === null) await once(program.child, 'close');
  expect([program.child.exitCode, moreOf(program.output())]).toEqual([0, []]);
});

it('a listener of theirs would be found (twin)', async () => {
  const program = await openAndClose('listener');
  const [, more = ''] = await program.until(/^more: (.*)$/m);
  expect(JSON.parse(more)).toEqual(['process SIGWINCH 1→2']);
});

it('a timer of theirs would keep the program alive (twin)', async () => {
  const program = await openAndClose('timer');
  const readings = /"msg":"held \d+","resources":(\{[^}]*\})/g;
  await expect
    .poll(async () => {
      program.child.kill('SIGUSR2');
      return [...program.output().matchAll(readings)].at(-1)?.[1] ?? '';
    })
    .toBe('{"PipeWrap":2,"Timeout":1}');
  expect(program.output()).not.toContain('more: ');
});
