import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FastifyInstance, fastify } from 'fastify';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { addConsoleRoutes } from './console-routes.ts';

const PAGE = '<link rel="stylesheet" href="/console/assets/console.css"><script type="module" src="/console/assets/console.js"></script>';

let folder: string;
let app: FastifyInstance;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'qrcast-console-'));
  await mkdir(join(folder, 'console', 'assets'), { recursive: true });
  await writeFile(join(folder, 'console.html'), PAGE);
  await writeFile(join(folder, 'console', 'assets', 'console.js'), 'export {};');
  await writeFile(join(folder, 'console', 'assets', 'console.css'), 'body { margin: 0 }');
  await writeFile(join(folder, 'console', 'assets', 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  await writeFile(join(folder, 'console', 'assets', 'notes.txt'), 'not served');
  app = fastify();
});
afterEach(async () => {
  await app.close();
  await rm(folder, { recursive: true, force: true });
});

const get = (url: string) => app.inject({ method: 'GET', url });

it('is kept by no cache, framed by no page, and loads, runs and calls only what is ours', async () => {
  addConsoleRoutes(app, folder, null);
  const { headers } = await get('/console');
  expect([headers['content-type'], headers['cache-control'], headers.etag]).toEqual(['text/html; charset=utf-8', 'no-store', undefined]);
  const policy = String(headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';");
  expect(policy).toContain("frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'");
  expect(policy).not.toMatch(/unsafe|data:|https?:|\*/);
});

it.each([
  [null, '/console', 'console/assets/console.js'],
  [null, '/console/', '../console/assets/console.js'],
  ['', '/console', '/console/assets/console.js'],
  ['/qrcast', '/console', '/qrcast/console/assets/console.js'],
  ['/qrcast', '/console/', '/qrcast/console/assets/console.js'],
])('below the path %j it names its files where they are served: %s', async (prefix, url, script) => {
  addConsoleRoutes(app, folder, prefix);
  expect((await get(url)).body).toContain(`src="${script}"`);
});

it.each([
  ['console.js', 'text/javascript; charset=utf-8'],
  ['console.css', 'text/css; charset=utf-8'],
  ['icon.svg', 'image/svg+xml'],
])('has the file %s, for pages of this origin alone', async (name, type) => {
  addConsoleRoutes(app, folder, null);
  const { statusCode, headers } = await get(`/console/assets/${name}`);
  expect([statusCode, headers['content-type'], headers['cache-control']]).toEqual([200, type, 'no-cache']);
  expect(headers['access-control-allow-origin']).toBeUndefined();
});

it('has no other files', async () => {
  addConsoleRoutes(app, folder, null);
  for (const url of ['/console/assets/notes.txt', '/console/assets/', '/console/x']) expect((await get(url)).statusCode).toBe(404);
});

it('that is not built stops the gateway and says what to do', async () => {
  await rm(join(folder, 'console.html'));
  expect(() => addConsoleRoutes(app, folder, null)).toThrow(/console\.html is missing .* run .npx -y pnpm@12 build/);
});
