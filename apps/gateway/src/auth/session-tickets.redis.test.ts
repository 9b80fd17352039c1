import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, openTestGateway, type TestGateway } from '../../test/gateway.ts';

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());

const issue = (sessionId: string, body?: unknown): Promise<Answer> => test.call('POST', `/v1/sessions/${sessionId}/tickets`, { body });
const read = async (sessionId: string, secret: string): Promise<number> =>
  (await test.call('GET', `/v1/sessions/${sessionId}`, { secret })).status;

describe('POST /v1/sessions/{id}/tickets', () => {
  it('makes a ticket of fifteen minutes with both scopes, with or without a body', async () => {
    const { session } = await test.create();
    for (const body of [undefined, {}]) {
      const before = Date.now();
      const answer = await issue(session.id, body);
      expect(answer.status).toBe(201);
      expect(answer.body.ticketId).toMatch(/^tkt_/);
      expect(answer.body.ticketExpiresAt).toBeGreaterThan(before + 898_000);
      expect(answer.body.ticketExpiresAt).toBeLessThanOrEqual(Date.now() + 901_000);
      expect((await test.tickets.read(answer.body.ticket)).scopes).toEqual(['view', 'password']);
      expect(await read(session.id, answer.body.ticket)).toBe(200);
    }
  });

  it('never makes one that outlives its session', async () => {
    const { session } = await test.create({ expiresInSeconds: 120 });
    const { body } = await issue(session.id, { expiresInSeconds: 3_600 });
    expect(body.ticketExpiresAt).toBeLessThanOrEqual(session.expiresAt);
    expect((await test.tickets.read(body.ticket)).expiresAt).toBe(body.ticketExpiresAt);
  });

  it.each([
    ['expiresInSeconds', { expiresInSeconds: 29 }],
    ['expiresInSeconds', { expiresInSeconds: 86_401 }],
    ['scopes', { scopes: [] }],
    ['scopes', { scopes: ['admin'] }],
    ['origins', { origins: ['https://app.example.com/path'] }],
    ['origins', { origins: ['*'] }],
    ['origins', { origins: ['null'] }],
    ['scope', { scope: 'view' }],
  ])('refuses a wrong %s (%#)', async (field, body) => {
    const { session } = await test.create();
    const answer = await issue(session.id, body);
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
    expect(answer.body.detail).toContain(field);
  });
});

describe('DELETE /v1/tickets/{ticketId}', () => {
  it('revokes only this ticket, at once and for good', async () => {
    const { session, ticket } = await test.create();
    const { body } = await issue(session.id);
    for (let i = 0; i < 2; i++) expect((await test.call('DELETE', `/v1/tickets/${body.ticketId}`)).status).toBe(204);
    expect(await read(session.id, body.ticket)).toBe(401);
    expect(await read(session.id, ticket)).toBe(200);
  });

  it("does nothing to another tenant's ticket", async () => {
    const { session, ticket, ticketId } = await test.create();
    const foreigner = await test.newTenant();
    expect((await test.call('DELETE', `/v1/tickets/${ticketId}`, { secret: foreigner.apiKey })).status).toBe(204);
    expect(await read(session.id, ticket)).toBe(200);
  });

  it('closes its open streams upon the revocation, on every gateway, and no others', async () => {
    const second = await openTestGateway({ namespace: test.namespace });
    const { session, ticket } = await test.create();
    const { body } = await issue(session.id);
    const viewers = [test.view(body.ticket), second.view(body.ticket)];
    const other = second.view(ticket);
    await Promise.all([...viewers, other].map((viewer) => viewer.until('session')));
    await test.call('DELETE', `/v1/tickets/${body.ticketId}`);
    for (const viewer of viewers) {
      expect(await viewer.until('closing')).toEqual({ code: 'ticket_revoked', number: 4507, retryable: false });
      await viewer.disconnected;
    }
    await test.showCode(session.id, 'AAAA');
    await other.until('session', ({ state }) => state === 'showing');
    for (const viewer of viewers) expect(viewer.all('session').some(({ state }) => state === 'showing')).toBe(false);
    await second.close();
  });

  it('sends nothing more to a stream whose client stopped reading, and cuts it', async () => {
    const { session, ticket } = await test.create();
    const { body } = await issue(session.id);
    const [stuck, twin, other] = [test.view(body.ticket), test.view(body.ticket), test.view(ticket)];
    await Promise.all([stuck, twin, other].map((viewer) => viewer.until('session', ({ state }) => state === 'waiting')));
    stuck.raw().pause();
    await test.call('DELETE', `/v1/tickets/${body.ticketId}`);
    await twin.until('closing');
    await test.showCode(session.id, 'AAAA');
    await other.until('session', ({ state }) => state === 'showing');
    stuck.raw().resume();
    await stuck.disconnected;
    expect(stuck.order.at(-1)).toBe('closing');
    expect(stuck.all('session').some(({ state }) => state === 'showing')).toBe(false);
  });
});
