/**
 * The text of a code, which the worker reads from the provider's picture, and its way to the
 * viewers.
 */

import { wrapPicture } from '@qrcast/gateway/api/code-svg';
import type { Instance } from '@qrcast/simulator/instance';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openBrowser, readScreenshot } from '../test/browser.ts';
import { type Cluster, type Created, openCluster } from '../test/cluster.ts';

/** Longer than the tests take, so that the code stays the same. */
const ROTATE_MS = 600_000;

let cluster: Cluster;
let instance: Instance;
let created: Created;
beforeAll(async () => {
  cluster = await openCluster({ redisUrl: inject('redisUrl'), simulator: { rotateMs: ROTATE_MS } });
  instance = cluster.newInstance();
  created = await cluster.create(instance);
  await cluster.view(created.ticket).until(({ code }) => code?.text != null);
});
afterAll(() => cluster.close());

async function get(query: string): Promise<string> {
  const response = await cluster.call('GET', `/v1/sessions/${created.session.id}${query}`);
  expect(response.status).toBe(200);
  return response.text();
}

it('is what the phone would scan, and stays the same while polls confirm the code', async () => {
  const viewer = cluster.view(created.ticket);
  const asked = instance.requests.length;
  expect((await viewer.until(({ code }) => code !== null)).code?.text).toBe(instance.code());
  await instance.untilRequests(asked + 3);
  expect(viewer.sessions).toHaveLength(1); // the other polls caused `fresh` at most
});

it('alone makes a state ten times smaller', async () => {
  const [whole, textOnly] = await Promise.all([get(''), get('?formats=text')]);
  expect(JSON.parse(textOnly).session.code).toMatchObject({ image: null, text: instance.code() });
  expect(textOnly.length).toBeLessThan(whole.length / 10);
});

describe('in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser.close());

  it.each(['code.svg', 'code.png'])('%s can be scanned', async (file) => {
    const page = await browser.newPage({ extraHTTPHeaders: { authorization: `Bearer ${created.ticket}` } });
    await page.goto(`${cluster.gateways[0]?.publicUrl}/v1/sessions/self/${file}`);
    expect(readScreenshot(await page.screenshot())).toBe(instance.code());
    await page.close();
  });

  it('the picture of a code that could not be read can be scanned as an SVG', async () => {
    const { image } = JSON.parse(await get('')).session.code;
    const svg = Buffer.from(wrapPicture(image)).toString('base64');
    const page = await browser.newPage();
    await page.setContent(`<body style="background: black"><img src="data:image/svg+xml;base64,${svg}">`);
    expect(readScreenshot(await page.screenshot())).toBe(instance.code());
    await page.close();
  });
});
