import { setTimeout as delay } from 'node:timers/promises';
import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import { sessionKey } from '@qrcast/runtime/redis/keys';
import decodeQr from 'qr/decode.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Body, openTestGateway, type TestGateway } from '../../test/gateway.ts';
import { drawCode } from './code-svg.ts';

const LINK = 'https://max.ru/:auth/0b8b6f0a-5d0e-4c3b-a1f2-7c9d1e2f3a4b';
/** A real 1 × 1 PNG. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const IMAGE = `data:image/png;base64,${PNG}`;

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());

async function showing(text: string | null, by = test): Promise<Body> {
  const created = await by.create();
  await by.node.sessions.apply(created.session.id, { kind: 'watched', at: by.node.clock.now() });
  await by.answer(created.session.id, { kind: 'code', digest: 'digest-of-it', image: IMAGE, text });
  return created;
}

describe('code.svg', () => {
  it('draws the text of the code so that a phone can read it on any background', async () => {
    const { session, ticket } = await showing(LINK);
    const { status, headers, text } = await test.call('GET', '/v1/sessions/self/code.svg', { secret: ticket });
    expect(status).toBe(200);
    expect(read(text)).toBe(LINK);
    expect(text).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" width="328" height="328" viewBox="0 0 41 41" /);
    expect(text).toContain('shape-rendering="crispEdges"><title>QR code</title><rect width="100%" height="100%" fill="#fff"/>');
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'image/svg+xml',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
      'x-content-type-options': 'nosniff',
      'x-code-stale-at': String((await test.call('GET', `/v1/sessions/${session.id}`)).body.session.code?.staleAt),
    });
  });

  it('can draw the longest text that is read', () => {
    const text = 'x'.repeat(1_024);
    expect(read(drawCode(text))).toBe(text);
  });

  it('shows the picture of a code that could not be read', async () => {
    const { session } = await showing(null);
    const { status, text } = await test.call('GET', `/v1/sessions/${session.id}/code.svg`);
    expect(status).toBe(200);
    expect(text).toContain('width="1" height="1" viewBox="0 0 1 1"');
    expect(text).toContain(`href="${IMAGE}"`);
  });
});

describe('code.png', () => {
  it("is the provider's own picture", async () => {
    const { session, ticket } = await showing(LINK);
    for (const [path, secret] of [
      [session.id, test.tenant.apiKey],
      ['self', ticket],
    ] as const) {
      const response = await fetch(`${test.url}/v1/sessions/${path}/code.png`, { headers: { authorization: `Bearer ${secret}` } });
      expect(Buffer.from(await response.arrayBuffer()).toString('base64')).toBe(PNG);
      expect(response.headers.get('content-type')).toBe('image/png');
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(response.headers.get('x-code-stale-at')).toMatch(/^\d{13}$/);
    }
  });

  it('is missing if the picture was lost, but its text can still be drawn', async () => {
    const { session } = await showing(LINK);
    await test.node.redis.hdel(sessionKey(test.namespace, session.id), 'image');
    expect((await test.call('GET', `/v1/sessions/${session.id}/code.png`)).body.code).toBe('no_code');
    expect(read((await test.call('GET', `/v1/sessions/${session.id}/code.svg`)).text)).toBe(LINK);
  });
});

describe.each(['code.svg', 'code.png'])('%s', (file) => {
  const ask = (id: string, secret: string | null = test.tenant.apiKey) => test.call('GET', `/v1/sessions/${id}/${file}`, { secret });

  it('counts as watching, and says that there is no code yet', async () => {
    const { session } = await test.create();
    expect((await ask(session.id)).body).toMatchObject({ status: 404, code: 'no_code', retryable: true });
    expect(await test.isQueued(session.id)).toBe(true);
    expect((await test.node.sessions.find(session.id))?.state.kind).toBe('waiting');
  });

  it('tells a client not to ask again if there will be no code any more', async () => {
    const { session } = await showing(LINK);
    await test.answer(session.id, { kind: 'authorized', account: null });
    expect((await ask(session.id)).body).toMatchObject({ code: 'no_code', detail: expect.stringContaining('none will come any more') });
  });

  it('does not show a stale code', async () => {
    const brief = await openTestGateway({ policy: { ...DEFAULT_POLICY, codeTtlMs: 1 } });
    const { session } = await showing(LINK, brief);
    // Nothing has let the time pass yet.
    expect((await brief.node.sessions.find(session.id))?.state.kind).toBe('showing');
    await delay(250); // the gateway and this test measure the clock of Redis separately
    const { body } = await brief.call('GET', `/v1/sessions/${session.id}/${file}`);
    await brief.close();
    expect(body.code).toBe('no_code');
  });

  it('is shown to whoever may watch the session', async () => {
    const { session, ticket } = await showing(LINK);
    const other = await test.create();
    const forPasswords = await test.ticketFor(session.id, { scopes: ['password'] });
    const foreigner = await test.newTenant();
    const answers = await Promise.all([
      ask(session.id, ticket),
      ask(session.id, null),
      ask(session.id, forPasswords),
      ask(session.id, other.ticket),
      ask(session.id, foreigner.apiKey),
      ask('self'),
    ]);
    expect(answers.map(({ status, body }) => body.code ?? status)).toEqual([
      200,
      'unauthenticated',
      'forbidden',
      'not_found',
      'not_found',
      'not_found',
    ]);
  });
});

/** What a phone reads from the drawing. */
function read(svg: string): string {
  const side = Number(/viewBox="0 0 (\d+) /.exec(svg)?.[1]);
  const scale = 4;
  const data = new Uint8Array((side * scale) ** 2 * 3).fill(255);
  for (const [, x, y, length] of svg.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g)) {
    for (let row = 0; row < scale; row++) {
      const start = ((Number(y) * scale + row) * side + Number(x)) * scale * 3;
      data.fill(0, start, start + Number(length) * scale * 3);
    }
  }
  return decodeQr({ width: side * scale, height: side * scale, data });
}
