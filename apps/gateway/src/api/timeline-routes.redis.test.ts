/** The timeline of a session, as its tenant and the operator read it. */

import { type Timeline, timelineSchema } from '@qrcast/core/timeline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ADMIN_KEY, imageOf, openTestGateway, type TestGateway } from '../../test/gateway.ts';

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());

async function timelineOf(id: string): Promise<Timeline> {
  const { status, body } = await test.call('GET', `/v1/sessions/${id}/timeline`);
  expect(status).toBe(200);
  return timelineSchema.parse(body);
}

it('tells of a login what the provider answered and what viewers were sent, and holds no secret', async () => {
  const { session, ticket } = await test.create({ reference: 'order-77' });
  const text = 'https://example.com/:auth/secret-of-the-code';
  const viewer = test.view(ticket);
  await viewer.until('session', ({ state }) => state === 'waiting');
  await test.answer(session.id, { kind: 'code', digest: 'one', image: imageOf('iVBORw0KGgo='), text });
  await viewer.until('session', ({ state }) => state === 'showing');
  await test.answer(session.id, { kind: 'authorized', account: { wid: '79990000000@c.us', phone: '79990000000' } });
  await viewer.until('session', ({ state }) => state === 'connected');
  await expect.poll(async () => (await timelineOf(session.id)).entries.map(({ kind }) => kind)).toContain('delivery');
  const timeline = await timelineOf(session.id);
  expect(timeline).toMatchObject({ sessionId: session.id, isCut: false });
  expect(timeline.entries.filter(({ kind }) => kind === 'change')).toMatchObject([
    { cause: 'created', state: 'idle' },
    { cause: 'watched', state: 'waiting' },
    { cause: 'answered', answer: 'code', state: 'showing', codes: 1 },
    { cause: 'answered', answer: 'authorized', state: 'connected' },
  ]);
  expect(timeline.entries.filter(({ kind }) => kind === 'delivery')).toMatchObject([{ viewers: 1, messages: expect.any(Number) }]);
  for (const secret of [text, 'iVBORw0KGgo', '79990000000', 'order-77', ticket]) expect(JSON.stringify(timeline)).not.toContain(secret);
});

it('answers the operator for a session of any tenant, without a watch', async () => {
  const { session } = await test.create({}, await test.newTenant());
  const { status, body } = await test.call('GET', `/v1/admin/sessions/${session.id}/timeline`, { secret: ADMIN_KEY });
  expect(status).toBe(200);
  expect(timelineSchema.parse(body).entries).toMatchObject([{ cause: 'created' }]);
});

it('keeps the timeline from other tenants and from tickets', async () => {
  const { session, ticket } = await test.create();
  const path = `/v1/sessions/${session.id}/timeline`;
  const foreigner = await test.newTenant();
  expect((await test.call('GET', path, { secret: foreigner.apiKey })).status).toBe(404);
  expect((await test.call('GET', path, { secret: ticket })).status).toBe(403);
  expect((await test.call('GET', `/v1/admin/sessions/${session.id}/timeline`)).status).toBe(401);
});
