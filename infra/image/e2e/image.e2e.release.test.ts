/**
 * Builds the image, and runs its roles as containers would. It needs root, and Debian's `buildah`
 * and `debootstrap`; it is skipped without them.
 */

import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { freePort } from '@qrcast/runtime/redis/free-port';
import { findRedisProgram, openRedisServer } from '@qrcast/runtime/redis/redis-server';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { TOOLS } from '../src/base-image.ts';
import { run } from '../src/run.ts';
import { type MountedImage, mountImage } from './run-image.ts';

const TOP = fileURLToPath(new URL('../../../', import.meta.url));
const missing = TOOLS.filter((name) => spawnSync(name, ['--version']).error !== undefined);
const cannot = missing.length > 0 ? `there is no ${missing.join(', ')} here. On Debian: apt-get install buildah debootstrap` : '';
const reason = process.getuid?.() === 0 ? cannot : 'only root can build an image without a daemon';
if (reason !== '') process.stderr.write(`skipped: ${reason}\n`);

/** A build installs Debian and all packages twice, which takes five minutes on two cores. */
const BUILD_LIMIT_MS = 1_800_000;

/** Of the user that runs the roles. */
const USER_ID = '65532';
const KEY = 'k1:iKwTpK5xW0yZ4mO4p8kqvB1uF2sQm0nD3J7cYt9hXlE=';
const { version } = JSON.parse(readFileSync(`${TOP}package.json`, 'utf8')) as { version: string };

describe.skipIf(reason !== '')('the image', () => {
  let image: MountedImage;
  beforeAll(() => {
    run(process.execPath, [fileURLToPath(new URL('../src/build.ts', import.meta.url)), '--stand-in']);
    image = mountImage(`localhost/qrcast:${version}`);
  }, BUILD_LIMIT_MS);
  afterAll(() => image?.close());

  async function ended(child: ChildProcess): Promise<{ readonly status: number | null; readonly output: string }> {
    const [[status], ...texts] = await Promise.all([
      once(child, 'exit'),
      ...[child.stdout, child.stderr].map((stream) => (stream === null ? '' : readText(stream))),
    ]);
    return { status, output: texts.join('') };
  }
  /** Every file once, hidden ones too: packages are in `.pnpm`, and links lead to them. */
  const files = (): string[] =>
    run('find', [image.root, '-type', 'f', '-not', '-path', `${image.root}/proc/*`])
      .trimEnd()
      .split('\n')
      .map((file) => relative(image.root, file));

  it('says what it is, and who runs it', () => {
    const { config } = image;
    expect(config).toMatchObject({ User: `${USER_ID}:${USER_ID}`, StopSignal: 'SIGTERM', Cmd: ['help'] });
    expect(config.Labels).toMatchObject({ 'org.opencontainers.image.version': version, 'org.opencontainers.image.licenses': 'MIT' });
    expect(config.Labels['org.opencontainers.image.revision']).toMatch(/^[0-9a-f]{40}$/);
    expect(config.Healthcheck.Test).toEqual(['CMD', 'node', '/qrcast/infra/image/src/health.ts', '/healthz']);
  });

  it('has Node as its only program: no shell, no package manager', () => {
    expect(globSync('{usr/,usr/local/,}{bin,sbin}/*', { cwd: image.root })).toEqual(['usr/local/bin/node']);
    expect(
      globSync('**/{npm,pnpm,apt,dpkg,busybox,sh,bash}', {
        cwd: image.root,
        exclude: ['qrcast/node_modules/.pnpm/**', 'proc/**', 'var/lib/dpkg'],
      }),
    ).toEqual([]);
  });

  it('holds no secret, no test, and nothing of the machine that built it', () => {
    const names = files();
    expect(names.length).toBeGreaterThan(1_000);
    const suspicious = /(^|\/)(\.npmrc|\.env[^/]*|\.git|\.netrc|id_rsa|[^/]*\.(pem|key|p12))(\/|$)/;
    expect(names.filter((name) => suspicious.test(name))).toEqual([]);
    const ours = names.filter((name) => name.startsWith('qrcast/') && !name.includes('node_modules/') && !name.includes('/compiled/'));
    expect(ours.filter((name) => /\.test\.ts$|\/(test|e2e)\//.test(name))).toEqual([]);
    const secret = /-----BEGIN [A-Z ]*PRIVATE KEY-----\n|_authToken=|npm_[A-Za-z0-9]{36}\b/;
    expect(ours.filter((name) => secret.test(readFileSync(join(image.root, name), 'latin1')))).toEqual([]);
  });

  it('brings the licences of all that is in it', () => {
    const names = new Set(files());
    for (const name of ['qrcast/LICENSE', 'qrcast/THIRD-PARTY-LICENSES.md', 'usr/share/doc/libc6/copyright']) expect(names).toContain(name);
    expect([...names].some((name) => /node-linux-\w+\/LICENSE$/.test(name))).toBe(true);
  });

  it('is as small as README.md says, and has no tool', () => {
    const megabytes = files().reduce((sum, name) => sum + statSync(join(image.root, name)).size, 0) / 1e6;
    const [, stated = ''] = /(\d+) MB/.exec(readFileSync(`${TOP}infra/image/README.md`, 'utf8')) ?? [];
    expect(megabytes).toBeLessThan(Number(stated));
    expect(megabytes).toBeGreaterThan(Number(stated) * 0.8);
    expect(globSync('qrcast/node_modules/.pnpm/{vite,vitest,turbo,playwright-core}@*', { cwd: image.root })).toEqual([]);
  });

  it('can be read by its user', () => {
    const isOpen = ['(', '-perm', '-o=r', '-o', '-uid', USER_ID, '-perm', '-u=r', ')'];
    const closed = run('find', [`${image.root}/qrcast`, '-not', '-type', 'l', '-not', ...isOpen]);
    expect(closed).toBe('');
  });

  it('runs the command line', async () => {
    expect(await ended(image.start(['--version']))).toMatchObject({ status: 0, output: `${version}\n` });
    expect(await ended(image.start(image.config.Cmd))).toMatchObject({ status: 0, output: expect.stringContaining('qrcast') });
    expect((await ended(image.start(['doctor']))).output).toContain('REDIS_URL');
  });

  it.each(['gateway', 'worker'])('runs a %s that is healthy, is the first process, and drains on SIGTERM', async (role) => {
    const folder = mkdtempSync(join(tmpdir(), 'qrcast-image-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const redis = await openRedisServer({
      program: findRedisProgram(process.env['PATH'] ?? '') ?? 'redis-server',
      folder,
      persistent: true,
    });
    onTestFinished(() => redis.close());
    const port = String(await freePort());
    const child = image.start([role], { REDIS_URL: redis.url, QRCAST_SECRET_KEYS: KEY, PORT: port, QRCAST_DRAIN_MS: '1000' });
    onTestFinished(() => void child.kill('SIGKILL'));
    const all = ended(child);
    const check = async (path: string): Promise<number | null> =>
      (await ended(image.start([], { PORT: port }, [...image.config.Healthcheck.Test.slice(1, -1), path]))).status;
    await expect.poll(() => check('/readyz'), { interval: 200 }).toBe(0);
    expect(await check('/healthz')).toBe(0);
    const [inside = ''] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ');
    process.kill(Number(inside), 'SIGTERM');
    const { status, output } = await all;
    expect({ status, isFirst: output.includes('"pid":1,') }).toEqual({ status: 0, isFirst: true });
    expect(output).toContain('"msg":"stopped"');
    expect(await check('/healthz')).toBe(1);
  });
});
