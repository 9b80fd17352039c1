/** Request ids: in the answer, in the log, and kept from a proxy only in a form that no secret has. */

import { get } from 'node:http';
import { createLog } from '@qrcast/runtime/log';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestGateway, type TestGateway } from '../../test/gateway.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

let test: TestGateway;
const lines: Record<string, unknown>[] = [];
beforeAll(async () => {
  const log = createLog('test', 'debug', { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) });
  test = await openTestGateway({ log });
});
afterAll(() => test.close());

/** Resolves to the id in the answer. */
async function askWith(headers: Record<string, string>, path = '/v1/sessions'): Promise<string> {
  const answer = await test.call('GET', path, { headers });
  return answer.headers.get('x-request-id') ?? '';
}

describe('the id of a request', () => {
  it.each(['/v1/sessions', '/v1/nothing', '/v1/sessions/ses_none', '/healthz', '/docs', '/connect', `/v1/sessions/${'x'.repeat(300)}`])(
    'is in the answer to %s, and each request has another',
    async (path) => {
      const ids = [await askWith({}, path), await askWith({}, path)];
      for (const id of ids) expect(id).toMatch(UUID);
      expect(new Set(ids).size).toBe(2);
    },
  );

  it.each(['0af7651916cd43dd8448eb211c80319c', '1b4e28ba-2fa1-11d2-883f-0016d3cca427'])('is that of the proxy: %s', async (id) => {
    expect(await askWith({ 'x-request-id': id })).toBe(id);
  });

  it.each(['', 'qk_secret', 'a'.repeat(50), '0af7651916cd43dd8448eb211c80319c, 1', 'x y', '../..'])(
    'is not what could be a secret or break a log: %j',
    async (given) => {
      expect(await askWith({ 'x-request-id': given })).toMatch(UUID);
      expect(JSON.stringify(lines)).not.toContain('qk_secret');
    },
  );

  it('is in each line that tells of the request, and of no other', async () => {
    const ids = await Promise.all([askWith({}), askWith({}, '/v1/nothing')]);
    await expect
      .poll(() => lines.filter(({ msg }) => msg === 'request').map(({ requestId }) => requestId))
      .toEqual(expect.arrayContaining(ids));
    expect(lines.filter(({ requestId }) => requestId === ids[0])).toMatchObject([{ msg: 'request', route: '/v1/sessions', status: 200 }]);
  });

  it('is in an event stream, too, and may be read by pages of other origins', async () => {
    const { ticket } = await test.create();
    const headers = { authorization: `Bearer ${ticket}`, origin: 'https://app.example.com' };
    const answer = await new Promise<Record<string, unknown>>((resolve, reject) => {
      const request = get(`${test.url}/v1/sessions/self/events`, { headers }, (response) => {
        resolve(response.headers);
        request.destroy();
      }).on('error', reject);
    });
    expect(answer['x-request-id']).toMatch(UUID);
    expect(answer['access-control-expose-headers']).toMatch(/x-request-id/i);
  });
});
