/**
 * Strict-Transport-Security is on every answer, even those that no route gives, and on none where
 * it must not be.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestGateway, type TestGateway } from '../../test/gateway.ts';
import { readHead, sendRaw, statuses } from '../../test/raw-http.ts';

const YEAR = 'max-age=31536000';

let secure: TestGateway;
let ticket: string;

beforeAll(async () => {
  secure = await openTestGateway({
    publicUrl: 'https://qrcast.example.com',
    addressLimits: { handshakesPerAddressPerMinute: 40, failuresPerAddressPerMinute: 1_000 },
  });
  ({ ticket } = await secure.create());
});
afterAll(() => secure.close());

const head = (line: string, ...headers: string[]): string => `${[line, ...headers].join('\r\n')}\r\n\r\n`;
const UPGRADE = ['Host: x', 'Connection: Upgrade', 'Upgrade: websocket'];
const KEY = 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==';
const SOCKETIO = 'GET /socket.io/?EIO=4&transport';

/** Each with the status that shows that it is the intended answer. */
const ANSWERS: readonly (readonly [what: string, status: string, request: string])[] = [
  ['health', '200', head('GET /healthz HTTP/1.1', 'Host: x', 'Connection: close')],
  ['readiness', '200', head('GET /readyz HTTP/1.1', 'Host: x', 'Connection: close')],
  ['the page', '200', head('GET /connect HTTP/1.1', 'Host: x', 'Connection: close')],
  ['a file', '200', head('GET /element.js HTTP/1.1', 'Host: x', 'Connection: close')],
  ['the docs', '200', head('HEAD /docs HTTP/1.1', 'Host: x', 'Connection: close')],
  ['an API call without a key', '401', head('GET /v1/sessions HTTP/1.1', 'Host: x', 'Connection: close')],
  ['nothing', '404', head('GET /nothing HTTP/1.1', 'Host: x', 'Connection: close')],
  ['a path that cannot be read', '400', head('GET /%zz HTTP/1.1', 'Host: x', 'Connection: close')],
  [
    'a preflight',
    '204',
    head(
      'OPTIONS /v1/sessions HTTP/1.1',
      'Host: x',
      'Origin: https://a.example',
      'Access-Control-Request-Method: GET',
      'Connection: close',
    ),
  ],
  ['Socket.IO by polling', '200', head(`${SOCKETIO}=polling HTTP/1.1`, 'Host: x', 'Connection: close')],
  ['Socket.IO without a transport', '400', head('GET /socket.io/ HTTP/1.1', 'Host: x', 'Connection: close')],
  ['no host', '400', head('GET /healthz HTTP/1.1', 'Connection: close')],
  ['an expectation', '417', head('GET /healthz HTTP/1.1', 'Host: x', 'Expect: the-unexpected', 'Connection: close')],
  ['no HTTP', '400', 'what is this\r\n\r\n'],
  ['headers that are too long', '400', head('GET / HTTP/1.1', 'Host: x', `X: ${'y'.repeat(20_000)}`)],
  ['a WebSocket of another version', '400', head('GET /v1/ws HTTP/1.1', ...UPGRADE, KEY, 'Sec-WebSocket-Version: 7')],
  ['a WebSocket without a key', '400', head('GET /v1/ws HTTP/1.1', ...UPGRADE, 'Sec-WebSocket-Version: 13')],
  ['a WebSocket by POST', '405', head('POST /v1/ws HTTP/1.1', ...UPGRADE, KEY, 'Sec-WebSocket-Version: 13')],
  ['a WebSocket elsewhere', '404', head('GET /elsewhere HTTP/1.1', ...UPGRADE, KEY, 'Sec-WebSocket-Version: 13', 'Connection: close')],
  ['a WebSocket with a ticket in its address', '400', head('GET /v1/ws?ticket=x HTTP/1.1', ...UPGRADE, KEY, 'Connection: close')],
  ['Socket.IO by an unknown transport', '400', head(`${SOCKETIO}=pigeon HTTP/1.1`, ...UPGRADE, KEY, 'Sec-WebSocket-Version: 13')],
  ['Socket.IO of another version', '400', head(`${SOCKETIO}=websocket HTTP/1.1`, ...UPGRADE, KEY, 'Sec-WebSocket-Version: 7')],
];

describe('Strict-Transport-Security', () => {
  it.each(ANSWERS)('is on the answer to %s', async (_what, status, request) => {
    const answer = await sendRaw(secure.gateway.port, request);
    const [, ...fields] = answer.split('\r\n\r\n', 1)[0]?.split('\r\n') ?? [];
    expect(statuses(answer)).toEqual([status]);
    expect(fields.filter((field) => /^strict-transport-security:/i.test(field))).toEqual([`strict-transport-security: ${YEAR}`]);
    expect(fields.filter((field) => /^x-content-type-options:/i.test(field))).toEqual(['x-content-type-options: nosniff']);
  });

  it('is on the answers that begin a stream', async () => {
    const gone = new AbortController();
    const headers = { authorization: `Bearer ${ticket}` };
    const { headers: told } = await fetch(`${secure.url}/v1/sessions/self/events`, { headers, signal: gone.signal });
    expect(told.get('strict-transport-security')).toBe(YEAR);
    gone.abort();
    for (const path of ['/v1/ws', '/socket.io/?EIO=4&transport=websocket']) {
      const answer = await readHead(secure.gateway.port, head(`GET ${path} HTTP/1.1`, ...UPGRADE, KEY, 'Sec-WebSocket-Version: 13'));
      expect(answer).toMatch(/^HTTP\/1\.1 101 /);
      expect(answer).toContain(`strict-transport-security: ${YEAR}`);
    }
  });

  it('is on the refusal of an address that made too many handshakes', async () => {
    const request = head('GET /v1/ws HTTP/1.1', ...UPGRADE, KEY, 'Sec-WebSocket-Version: 13');
    let answer = '';
    while (!answer.startsWith('HTTP/1.1 429')) answer = await readHead(secure.gateway.port, request);
    expect(answer).toContain(`strict-transport-security: ${YEAR}`);
  });

  it.each([
    ['the address is http', { publicUrl: 'http://qrcast.example.com' }, null],
    ["the address is this machine's", {}, null],
    ['there is a path before ours', { publicUrl: 'https://host.example/qrcast' }, null],
    ['the setting is 0', { publicUrl: 'https://qrcast.example.com', hstsSeconds: 0 }, null],
    ['the setting says how long', { publicUrl: 'https://qrcast.example.com', hstsSeconds: 300 }, 'max-age=300'],
  ])('is right if %s', async (_what, options, expected) => {
    const test = await openTestGateway(options);
    for (const path of ['/healthz', '/connect', '/v1/nothing']) {
      expect((await fetch(`${test.url}${path}`)).headers.get('strict-transport-security')).toBe(expected);
    }
    await test.close();
  });
});
