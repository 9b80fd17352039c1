import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const FIXTURE = fileURLToPath(new URL('../../test/service-fixture.ts', import.meta.url));

interface Running {
  readonly child: ChildProcess;
  /** Resolves when the output contains the text. */
  until(text: string): Promise<void>;
  readonly ended: Promise<{ status: number | null; output: string }>;
}

function run(mode: string): Running {
  const child = spawn(process.execPath, [FIXTURE, mode], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  const looking = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    output += part;
    for (const look of looking) look();
  });
  return {
    child,
    until: (text) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (output.includes(text)) resolve();
        };
        looking.add(look);
        look();
      }),
    ended: once(child, 'close').then(([status]) => ({ status: status as number | null, output })),
  };
}

describe('a service', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('stops on %s in order, last acquired first, with status 0', async (signal) => {
    const { child, until, ended } = run('graceful');
    await until('up');
    child.kill(signal);
    const { status, output } = await ended;
    expect(status).toBe(0);
    expect(output.indexOf('released second')).toBeLessThan(output.indexOf('released first'));
    expect(output).toContain('a second signal stops at once');
  });

  it('logs everything after SIGUSR2, also by the logs of its parts, and no more after the next', async () => {
    const { child, until, ended } = run('talkative');
    await until('up');
    child.kill('SIGUSR2');
    await until('a detail of a part');
    child.kill('SIGUSR2');
    await until('"level":"info","msg"');
    child.kill('SIGTERM');
    const { output } = await ended;
    const [, between = '', after = ''] = output.split('the log level was changed');
    expect(between).toContain('a detail of a part');
    expect(after.split('stopping;')[0]).not.toContain('a detail of a part');
  });

  it('stops at once on a second signal', async () => {
    const { child, until, ended } = run('stuck');
    await until('up');
    child.kill('SIGINT');
    await until('releasing second');
    child.kill('SIGINT');
    const { status, output } = await ended;
    expect(status).toBe(1);
    expect(output).not.toContain('released first');
  });

  it('exits if a stop takes too long', async () => {
    const { child, until, ended } = run('late');
    await until('up');
    child.kill('SIGTERM');
    const { status, output } = await ended;
    expect(status).toBe(1);
    expect(output).toContain('the graceful stop took too long');
  });

  it('releases the rest if one release fails, and exits with status 1', async () => {
    const { child, until, ended } = run('broken');
    await until('up');
    child.kill('SIGTERM');
    const { status, output } = await ended;
    expect(status).toBe(1);
    expect(output).toContain('released first');
    expect(output).toContain('something did not stop cleanly');
  });

  it('that cannot start reports why, releases what it had, and exits with status 1', async () => {
    const { status, output } = await run('fails').ended;
    expect(status).toBe(1);
    expect(output).toContain('it would not start');
    expect(output).toContain('released first');
  });

  it('stops in order after an uncaught error', async () => {
    const { status, output } = await run('faulty').ended;
    expect(status).toBe(1);
    expect(output).toContain('nobody caught me');
    expect(output).toContain('released first');
  });
});
