import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, imageOf, openTestGateway, type TestGateway } from '../../../test/gateway.ts';

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());

const versionOf = async (sessionId: string): Promise<number> =>
  (await test.call('GET', `/v1/sessions/${sessionId}?visible=false`)).body.session.version;

/** Begins a request, and resolves when it is held: another viewer of the session counts it then. */
async function hold(
  sessionId: string,
  ticket: string,
  query = 'wait=30',
  url = test.url,
): Promise<{ answer: Promise<Answer>; abort(): void }> {
  await test.call('GET', `/v1/sessions/${sessionId}`);
  const gone = new AbortController();
  const version = await versionOf(sessionId);
  const request = fetch(`${url}/v1/sessions/self?${query}`, {
    headers: { authorization: `Bearer ${ticket}`, 'if-none-match': `"${version}"` },
    signal: gone.signal,
  });
  const answer = request.then(async (response) => {
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: JSON.parse(text || '{}') };
  });
  answer.catch(() => undefined); // the test has abandoned it
  while ((await test.call('GET', `/v1/sessions/${sessionId}?visible=false`)).body.session.viewers < 1);
  return { answer, abort: () => gone.abort() };
}

describe('a read', () => {
  it('by `self` is the session of the ticket, and nothing for a key', async () => {
    const { session, ticket } = await test.create();
    const { status, body } = await test.call('GET', '/v1/sessions/self', { secret: ticket });
    expect([status, body.session.id]).toEqual([200, session.id]);
    expect((await test.call('GET', '/v1/sessions/self')).body.code).toBe('not_found');
    for (const path of ['/v1/sessions/self/resume', '/v1/sessions/self/password']) {
      const own = await test.call('POST', path, { secret: ticket, body: { password: 'x' } });
      expect([own.status, own.body.code]).toEqual([409, path.endsWith('resume') ? 'not_resumable' : 'not_waiting_for_password']);
      expect((await test.call('POST', path, { body: { password: 'x' } })).body.code).toBe('not_found');
    }
    expect((await test.call('DELETE', '/v1/sessions/self')).body.code).toBe('not_found');
    expect((await test.call('DELETE', '/v1/sessions/self', { secret: ticket })).body.code).toBe('forbidden');
  });

  it('that is not visible does not start the session', async () => {
    const { session, ticket } = await test.create();
    const read = await test.call('GET', '/v1/sessions/self?visible=false', { secret: ticket });
    expect([read.body.session.state, await test.isQueued(session.id)]).toEqual(['idle', false]);
    expect((await test.call('GET', '/v1/sessions/self?visible=true', { secret: ticket })).body.session.state).toBe('waiting');
  });

  it('returns a code in the formats that were requested', async () => {
    const { session, ticket } = await test.create();
    await test.call('GET', '/v1/sessions/self', { secret: ticket });
    await test.answer(session.id, { kind: 'code', digest: 'AAAA', image: imageOf('AAAA'), text: 'https://max.ru/:auth/x' });
    const code = async (query: string) => (await test.call('GET', `/v1/sessions/self${query}`, { secret: ticket })).body.session.code;
    expect(await code('')).toMatchObject({ image: imageOf('AAAA'), text: 'https://max.ru/:auth/x' });
    expect(await code('?formats=image,text')).toMatchObject({ image: imageOf('AAAA'), text: 'https://max.ru/:auth/x' });
    expect(await code('?formats=text')).toMatchObject({ image: null, text: 'https://max.ru/:auth/x' });
    expect(await code('?formats=image')).toMatchObject({ image: imageOf('AAAA'), text: null });
  });

  it.each(['formats=', 'formats=video', 'formats=image,text,image', 'visible=0', 'wait=31', 'wait=x', 'hello=1'])(
    'refuses ?%s, naming the field',
    async (query) => {
      const { ticket } = await test.create();
      const { status, body } = await test.call('GET', `/v1/sessions/self?${query}`, { secret: ticket });
      expect([status, body.code]).toEqual([400, 'invalid_request']);
      expect(body.detail).toContain(query.split('=')[0]);
    },
  );
});

describe('a stock long-poller', () => {
  /**
   * Asks again and again, with its last tag as a proxy has rewritten it, while the session lives.
   * Returns how often.
   */
  async function pollOn(ticket: string, rewrite: (etag: string) => string | null, until: (answer: Answer) => boolean): Promise<number> {
    let tag: string | null = null;
    for (let count = 1; ; count++) {
      const headers: Record<string, string> = tag === null ? {} : { 'if-none-match': tag };
      const answer = await test.call('GET', '/v1/sessions/self?wait=30', { secret: ticket, headers });
      if (until(answer)) return count;
      tag = rewrite(answer.headers.get('etag') ?? '');
    }
  }

  const ofTag = (change: (version: string) => string) => (etag: string) => change(etag.replaceAll('"', ''));

  it.each([
    ['as it is', ofTag((version) => `"${version}"`)],
    ['by Apache', ofTag((version) => `"${version}-gzip"`)],
    ['by Jetty', ofTag((version) => `"${version}--gzip"`)],
    ['by LiteSpeed', ofTag((version) => `W/"${version};br"`)],
    ['into a list', ofTag((version) => `"1", "${version}-br"`)],
    ['into any', () => '*'],
  ])('is held with its tag written as %s', async (_, rewrite) => {
    const { session, ticket } = await test.create();
    await test.call('GET', '/v1/sessions/self', { secret: ticket }); // it is watched from here on, and no longer changes by itself
    const polls = pollOn(ticket, rewrite, ({ body }) => body.session?.state === 'showing');
    while ((await test.call('GET', `/v1/sessions/${session.id}?visible=false`)).body.session.viewers < 1);
    await test.showCode(session.id, 'AAAA');
    expect(await polls).toBe(2);
  });

  it.each([
    ['another tag than ours', () => '"5f3a"'],
    ['another tag each time', () => `"${Math.random()}"`],
    ['a number that is no version yet', () => '"1732968000-gzip"'],
    ['no tag', () => null],
  ])('that receives %s asks a few times at once, then rarely, and misses nothing', async (_, rewrite) => {
    const { session, ticket } = await test.create();
    const startedAt = performance.now();
    const polls = pollOn(ticket, rewrite, ({ body }) => body.session?.state === 'showing');
    while ((await test.call('GET', `/v1/sessions/${session.id}?visible=false`)).body.session.viewers < 1);
    await test.showCode(session.id, 'AAAA');
    expect(await polls).toBeLessThanOrEqual(14 + (2 * (performance.now() - startedAt)) / 5_000);
  });

  it('that continues after a final state is answered at a limited rate', async () => {
    const { session, ticket } = await test.create();
    await test.call('DELETE', `/v1/sessions/${session.id}`);
    const { version } = await test.stored(session.id);
    const answers: number[] = [];
    const startedAt = performance.now();
    for (const tag of [`"${version}"`, `"${version}-gzip"`, '"other"', '*']) {
      for (let i = 0; i < 4 && answers.length < 13; i++) {
        const { status } = await test.call('GET', '/v1/sessions/self?wait=30', { secret: ticket, headers: { 'if-none-match': tag } });
        answers.push(status);
      }
    }
    expect(answers).toEqual([304, 304, 304, 304, 304, 304, 304, 304, 200, 200, 200, 200, 200]);
    expect(answers.length).toBeLessThanOrEqual(12 + (2 * (performance.now() - startedAt)) / 5_000); // twelve at once, then one every 5 s
  });
});

describe('a held read', () => {
  it('is answered in the formats that were requested', async () => {
    const { session, ticket } = await test.create();
    const { answer } = await hold(session.id, ticket, 'wait=30&formats=text');
    await test.answer(session.id, { kind: 'code', digest: 'AAAA', image: imageOf('AAAA'), text: 'https://max.ru/:auth/x' });
    expect((await answer).body.session.code).toMatchObject({ image: null, text: 'https://max.ru/:auth/x' });
  });

  it('ends with its ticket, revoked or expired', async () => {
    const { session, ticket, ticketId } = await test.create();
    const revoked = await hold(session.id, ticket);
    await test.call('DELETE', `/v1/tickets/${ticketId}`);
    expect((await revoked.answer).body).toMatchObject({ status: 401, code: 'unauthenticated', detail: expect.stringContaining('revoked') });
    const expiresAt = Math.ceil(Date.now() / 1000) * 1000 + 4_000;
    const expired = await hold(session.id, await test.ticketFor(session.id, { expiresAt }));
    expect((await expired.answer).body).toMatchObject({ status: 401, detail: expect.stringContaining('expired') });
  });

  it('occupies a slot of the gateway until it is answered or its caller has gone', async () => {
    const small = await openTestGateway({ namespace: test.namespace, maxConnections: 1 });
    const { session, ticket } = await test.create();
    const untilNone = async () => {
      while ((await test.call('GET', `/v1/sessions/${session.id}?visible=false`)).body.session.viewers > 0);
    };
    const first = await hold(session.id, ticket, 'wait=30', small.url);
    const refused = await (await hold(session.id, ticket, 'wait=30', small.url)).answer;
    expect([refused.status, refused.body.code, refused.headers.get('retry-after')]).toEqual([503, 'unavailable', '1']);
    const read = await small.call('GET', '/v1/sessions/self', { secret: ticket });
    expect(read.status).toBe(200); // a request that is not held needs no slot
    first.abort();
    await untilNone();
    const second = await hold(session.id, ticket, 'wait=30', small.url);
    await test.showCode(session.id, 'AAAA');
    expect((await second.answer).status).toBe(200);
    await untilNone();
    const third = await hold(session.id, ticket, 'wait=30', small.url);
    third.abort();
    await small.close();
  });

  it('is answered by a gateway that stops, on a connection that is not used again', async () => {
    const leaving = await openTestGateway({ namespace: test.namespace });
    const { session, ticket } = await test.create();
    const { answer } = await hold(session.id, ticket, 'wait=30', leaving.url);
    await leaving.close();
    const { status, headers } = await answer;
    expect([status, headers.get('connection')]).toEqual([304, 'close']);
  });
});
