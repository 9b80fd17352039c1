/**
 * The hosted page in a window that another page opened, or in its frame: what the two pages see and
 * send, in Chromium.
 */

import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { frameOf, useLoginStage } from '../test/login-stage.ts';
import { untilState } from '../test/page.ts';

const PHONE_NUMBER = '79001234567';

const stage = useLoginStage();
beforeEach(() => allow(stage.site.origin));

const allow = (...allowedOrigins: string[]) => stage.cluster.gateways[0]?.tenants.patch('acme', { allowedOrigins });

/** Opens a page that records the messages it gets, as README shows. */
async function openHost(origin: string, body = ''): Promise<Page> {
  const path = stage.site.serve(`${body}<script>
    globalThis.told = [];
    addEventListener('message', ({ origin, data }) => told.push({ origin, data }));
  </script>`);
  const page = await (await stage.browser.newContext()).newPage();
  await page.goto(origin + path);
  return page;
}

async function openPopup(host: Page, ticket: string): Promise<Page> {
  const opened = host.waitForEvent('popup');
  await host.evaluate(
    `globalThis.popup = open(${JSON.stringify(`${stage.gateway}/connect#${ticket}`)}, 'login', 'popup,width=480,height=720')`,
  );
  return opened;
}

/**
 * @returns all messages to the host so far. Messages of one window arrive in the order in which
 * they were sent.
 */
async function allTold(host: Page, login: { evaluate(code: string): Promise<unknown> }, target: 'opener' | 'parent'): Promise<unknown[]> {
  await login.evaluate(`${target}.postMessage('last', '*')`);
  await host.waitForFunction(`told.some(({ data }) => data === 'last')`);
  return host.evaluate(`told.filter(({ data }) => data !== 'last')`);
}

const resultOf = (sessionId: string, result: Record<string, unknown>) => ({
  origin: stage.gateway,
  data: { type: 'qrcast.result', version: 1, sessionId, endReason: null, resumable: false, ...result },
});

describe('a window of the login page', () => {
  it('is seen as open by its opener until it is closed, and posts the result without secrets or numbers', async () => {
    const instance = stage.cluster.newInstance(PHONE_NUMBER);
    const { session, ticket } = await stage.cluster.create(instance, { reference: 'order-77' });
    const host = await openHost(stage.site.origin);
    const popup = await openPopup(host, ticket);
    await untilState(popup, 'showing');
    expect(await host.evaluate('popup.closed')).toBe(false);
    expect(await popup.evaluate('opener !== null && !opener.closed')).toBe(true);
    instance.scan();
    await untilState(popup, 'connected');
    await host.waitForFunction('told.length > 0');
    const told = await allTold(host, popup, 'opener');
    expect(told).toEqual([resultOf(session.id, { state: 'connected' })]);
    expect(JSON.stringify(told)).not.toMatch(new RegExp(`${PHONE_NUMBER}|${ticket.slice(-20)}|order-77|https://max`));
    expect(await host.evaluate('popup.closed')).toBe(false); // the host closes it
    await host.evaluate('popup.close()');
    await host.waitForFunction('popup.closed');
    await host.context().close();
  });

  it('posts an end with its reason', async () => {
    const { session, ticket } = await stage.cluster.create(stage.cluster.newInstance());
    const host = await openHost(stage.site.origin);
    const popup = await openPopup(host, ticket);
    await untilState(popup, 'showing');
    await stage.cluster.call('DELETE', `/v1/sessions/${session.id}`);
    await untilState(popup, 'ended');
    await host.waitForFunction('told.length > 0');
    expect(await allTold(host, popup, 'opener')).toEqual([resultOf(session.id, { state: 'ended', endReason: 'cancelled' })]);
    await host.context().close();
  });

  it.each([
    ['that the tenant does not name', () => stage.site.otherOrigin, () => [stage.site.origin]],
    ['where the tenant names none', () => stage.site.origin, () => []],
  ])('posts nothing to a page %s', async (_which, origin, allowed) => {
    await allow(...allowed());
    const instance = stage.cluster.newInstance();
    const { session, ticket } = await stage.cluster.create(instance);
    const host = await openHost(origin());
    const answered = host
      .context()
      .waitForEvent('response', (response) => response.url() === `${stage.gateway}/connect/${session.id}/origins`);
    const popup = await openPopup(host, ticket);
    expect(await (await answered).json()).toEqual({ origins: allowed() });
    instance.scan();
    await untilState(popup, 'connected');
    expect(await allTold(host, popup, 'opener')).toEqual([]);
    await host.context().close();
  });
});

describe('a frame of the login page', () => {
  it('posts the result to the page around it', async () => {
    const instance = stage.cluster.newInstance();
    const { session, ticket } = await stage.cluster.create(instance);
    const host = await openHost(stage.site.origin, `<iframe src="${stage.gateway}/connect/${session.id}#${ticket}"></iframe>`);
    const frame = frameOf(host);
    await frame.waitForSelector('html[data-state="showing"]');
    instance.scan();
    await host.waitForFunction('told.length > 0');
    expect(await allTold(host, frame, 'parent')).toEqual([resultOf(session.id, { state: 'connected' })]);
    await host.context().close();
  });
});
