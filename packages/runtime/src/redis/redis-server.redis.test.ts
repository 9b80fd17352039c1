import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findRedisProgram, openRedisServer, type RedisServer } from './redis-server.ts';

describe('a private Redis', () => {
  let folder: string;
  const opened: RedisServer[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'qrcast-redis-'));
  });
  afterEach(async () => {
    for (const server of opened.splice(0)) await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  const program = findRedisProgram(process.env['PATH'] ?? '') ?? '';
  const open = async (persistent: boolean): Promise<RedisServer> => {
    const server = await openRedisServer({ program, folder, persistent });
    opened.push(server);
    return server;
  };

  it('requires its password, keeps its data over a restart, and has ended after close', async () => {
    const first = await open(true);
    const client = new Redis(first.url);
    await client.set('kept', 'yes');
    const stranger = new Redis(first.url.replace(/:[0-9a-f]+@/, ''), { lazyConnect: true, retryStrategy: () => null });
    stranger.on('error', () => undefined); // the refusals below
    await expect(stranger.get('kept')).rejects.toThrow();
    stranger.disconnect();
    client.disconnect();
    await first.close();
    await first.close();
    expect(() => process.kill(first.pid, 0)).toThrow('ESRCH');

    const second = await open(true);
    const again = new Redis(second.url);
    expect(await again.get('kept')).toBe('yes');
    again.disconnect();
  });

  it('reports what is wrong with a program that is not Redis', async () => {
    await expect(openRedisServer({ program: '/bin/false', folder, persistent: false })).rejects.toThrow('did not start');
  });

  it('is found only on PATH', () => {
    expect(findRedisProgram('/nowhere:/proc')).toBeNull();
    expect(program).not.toBe('');
  });
});
