import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { expect, onTestFinished, test } from 'vitest';

test('the list of what is in the image is valid, and has what runs and no tool', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'qrcast-sbom-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'qrcast.cdx.json');
  const { status, stderr } = spawnSync(process.execPath, [fileURLToPath(new URL('sbom.ts', import.meta.url)), file], { encoding: 'utf8' });
  expect({ status, stderr }).toMatchObject({ status: 0 });
  const text = readFileSync(file, 'utf8');
  expect(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text)).toBeNull();
  const { components } = JSON.parse(text) as { components: readonly { name: string; purl: string }[] };
  const names = components.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['fastify', 'ioredis', 'bullmq', 'socket.io', 'zxing-wasm']));
  expect(names.some((name) => name.startsWith('node-linux-'))).toBe(true);
  for (const tool of ['vitest', 'vite', 'typescript', 'turbo', 'playwright-core']) expect(names).not.toContain(tool);
});
