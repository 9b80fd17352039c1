import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FREE_PACE, openServer } from '../test/peer.ts';
import { type Calls, createCalls } from './calls.ts';

const PASSWORD = 'correct horse';

let answer: (request: IncomingMessage, response: ServerResponse) => void;
let calls: Calls;
let ticket = 'the-ticket';
let close: () => Promise<void>;
const asked: unknown[] = [];
beforeEach(async () => {
  const server = await openServer(async (request, response) => {
    const { method, url, headers } = request;
    asked.push([method, url, headers.authorization, headers['content-type'], await text(request)]);
    answer(request, response);
  });
  ({ close } = server);
  asked.length = 0;
  ticket = 'the-ticket';
  calls = createCalls({ url: `${server.url}/below`, ticket: () => ticket, pace: FREE_PACE });
});
afterEach(async () => {
  calls.close();
  await close();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const problem = (status: number, body: object, type = 'application/problem+json; charset=utf-8') =>
  ((_request, response) => response.writeHead(status, { 'content-type': type }).end(JSON.stringify(body))) as typeof answer;

/** The result of `sendPassword`, whose text must never contain the password. */
async function refusal() {
  const result = await calls.sendPassword(PASSWORD);
  expect(JSON.stringify(result)).not.toContain(PASSWORD);
  if (result.ok) throw new Error('expected a refusal');
  return result.error;
}

describe('calls', () => {
  it('are one request each, with the newest ticket', async () => {
    answer = problem(200, { session: {} }, 'application/json');
    expect(await calls.sendPassword(PASSWORD)).toEqual({ ok: true });
    ticket = 'renewed';
    expect(await calls.resume()).toEqual({ ok: true });
    expect(await calls.startOver()).toEqual({ ok: true });
    expect(asked).toEqual([
      ['POST', '/below/v1/sessions/self/password', 'Bearer the-ticket', 'application/json', `{"password":"${PASSWORD}"}`],
      ['POST', '/below/v1/sessions/self/resume', 'Bearer renewed', undefined, ''],
      ['POST', '/below/v1/sessions/self/start-over', 'Bearer renewed', undefined, ''],
    ]);
  });

  it('return what the gateway says', async () => {
    const wrong = { code: 'password_rejected', detail: 'it is wrong', retryable: true };
    answer = problem(422, { type: 'urn:qrcast:error:password_rejected', title: 'no', status: 422, ...wrong });
    expect(await refusal()).toEqual(wrong);
    const many = { code: 'too_many_requests', detail: 'wait', retryable: true, retryAfterMs: 1_100 };
    answer = problem(429, many);
    expect(await refusal()).toEqual(many);
  });

  it.each([
    [3_600_000, { retryAfterMs: 60_000 }],
    [1_100, { retryAfterMs: 1_100 }],
    [0, {}],
    [-1, {}],
    ['5', {}],
    [null, {}],
  ])('pass on a hint of %j as a wait that is possible', async (retryAfterMs, told) => {
    const many = { code: 'too_many_requests', detail: 'wait', retryable: true };
    answer = problem(429, { ...many, retryAfterMs });
    expect(await refusal()).toEqual({ ...many, ...told });
  });

  it('never reject, even for a value that is not a password', async () => {
    const circular: { self?: unknown } = {};
    circular.self = circular;
    expect(await calls.sendPassword(circular as unknown as string)).toMatchObject({ ok: false, error: { code: 'unavailable' } });
    expect(asked).toEqual([]);
  });

  it('are not sent in a flood, and the page learns that', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    calls.close();
    calls = createCalls({ url: 'http://127.0.0.1:9', ticket: () => ticket });
    const results = await Promise.all(
      Array.from({ length: 9 }, async (_, i) => {
        const result = await calls.sendPassword(PASSWORD);
        if (i === 8) calls.close(); // ends the waiting calls
        return result.ok ? '' : result.error.code;
      }),
    );
    expect(results).toEqual([...Array(4).fill('unavailable'), ...Array(5).fill('too_many_requests')]);
  });

  it.each([
    ['somebody in between', problem(502, { code: 'x', detail: 'y', retryable: false }, 'text/html')],
    ['a problem that is none', problem(500, { code: 7 })],
    ['a line that is cut', ((_request, response) => response.destroy()) as typeof answer],
    ['another place', ((_request, response) => response.writeHead(307, { location: 'http://127.0.0.1:9/' }).end()) as typeof answer],
  ])('are unavailable after an answer from %s, and are not sent again', async (_name, given) => {
    answer = given;
    expect(await refusal()).toMatchObject({ code: 'unavailable', retryable: true });
    expect(asked).toHaveLength(1);
  });

  it('are unavailable if no server listens', async () => {
    await close();
    expect(await refusal()).toEqual({
      code: 'unavailable',
      detail: 'the gateway could not be reached; check the network and try again',
      retryable: true,
    });
    close = async () => undefined;
  });

  it('wait for an answer as long as the provider may take and no longer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }); // ours; the sockets' go on
    for (const [name, withinMs] of [
      ['sendPassword', 40_000],
      ['resume', 15_000],
      ['startOver', 40_000],
    ] as const) {
      answer = () => void vi.advanceTimersByTime(withinMs);
      const detail = `no answer within ${withinMs / 1_000} s; check the session before a retry`;
      expect(await calls[name](PASSWORD)).toEqual({ ok: false, error: { code: 'unavailable', detail, retryable: true } });
      answer = (...asked) => {
        vi.advanceTimersByTime(withinMs - 1);
        problem(200, {})(...asked);
      };
      expect(await calls[name](PASSWORD)).toEqual({ ok: true });
    }
    expect(vi.getTimerCount()).toBe(0);
  });

  it('are aborted by close(), and refused after it', async () => {
    answer = () => calls.close();
    expect(await refusal()).toMatchObject({ code: 'unavailable', retryable: false, detail: expect.stringContaining('was closed') });
    expect(await refusal()).toMatchObject({ code: 'unavailable', retryable: false, detail: expect.stringContaining('is closed') });
    expect(asked).toHaveLength(1);
  });
});
