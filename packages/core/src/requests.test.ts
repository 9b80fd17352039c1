import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { refusalOf } from '../test/refusal.ts';
import {
  createSessionSchema,
  createTicketSchema,
  eventsSchema,
  handshakeSchema,
  listSessionsSchema,
  originSchema,
  parseRequest,
  passwordSchema,
  readSessionSchema,
  sessionIdSchema,
  streamPasswordSchema,
  subscribeSchema,
  visibleSchema,
} from './requests.ts';
import { createTenantSchema, patchTenantSchema } from './tenant-requests.ts';
import { setWebhookSchema } from './webhook-check.ts';

const instance = { instanceId: '1101000001', apiToken: 'd75b3a66374942c5b3c019c698abc2067e151558acbd412345' };
const tenant = { id: 'acme', name: 'Acme' };

/** Schema, value, and the field that the refusal has to name. */
type Bad = readonly [string, z.ZodType, unknown, string];

const session = (name: string, fields: object, field: string): Bad => [name, createSessionSchema, { ...instance, ...fields }, field];

const BAD: readonly Bad[] = [
  session('an instance id as a number', { instanceId: 1101000001 }, 'instanceId'),
  session('an instance id with a letter', { instanceId: '11O1000001' }, 'instanceId'),
  session('an instance id that leaves its path', { instanceId: '1101/../x' }, 'instanceId'),
  session('an instance id with a line end', { instanceId: '1101000001\n' }, 'instanceId'),
  session('a token with a slash', { apiToken: 'abcdefgh/../ijkl' }, 'apiToken'),
  session('a token too short', { apiToken: 'abcdefg' }, 'apiToken'),
  session('a token too long', { apiToken: 'a'.repeat(257) }, 'apiToken'),
  session('an endless provider address', { apiUrl: `https://${'a'.repeat(256)}` }, 'apiUrl'),
  session('an empty reference', { reference: '' }, 'reference'),
  session('a long reference', { reference: 'a'.repeat(129) }, 'reference'),
  session('a phone of letters', { expectedPhone: 'call me' }, 'expectedPhone'),
  session('a phone in national form', { expectedPhone: '8 (900) 123-45-67' }, 'expectedPhone: expected a phone number in international'),
  session('a phone too short', { expectedPhone: '+1 23' }, 'expectedPhone'),
  session('relink as a word', { relink: 'yes' }, 'relink'),
  session('a logout of nobody knows whom', { logoutOnMismatch: true }, 'logoutOnMismatch: expected together with expectedPhone'),
  session('a locale with an underscore', { locale: 'ru_RU' }, 'locale: expected a language tag'),
  session('less than a minute', { expiresInSeconds: 59 }, 'expiresInSeconds'),
  session('more than a week', { expiresInSeconds: 604_801 }, 'expiresInSeconds'),
  session('half seconds', { expiresInSeconds: 60.5 }, 'expiresInSeconds'),
  session('a script to return to', { returnUrl: 'javascript:alert(1)' }, 'returnUrl'),
  session('a return by a longer scheme', { returnUrl: 'httpsx://a.example' }, 'returnUrl'),
  session('a return by a scheme with more before it', { returnUrl: 'xhttps://a.example' }, 'returnUrl'),
  session('a relative return', { returnUrl: '/done' }, 'returnUrl'),
  session('a return with a zero-width space', { returnUrl: 'https://a.example/\u200b' }, 'returnUrl: expected no invisible'),
  session('a return with a line end behind it', { returnUrl: 'https://a.example/\r\n' }, 'returnUrl: expected no invisible'),
  ['an unknown state', listSessionsSchema, { state: 'scanned' }, 'state'],
  ['a page of none', listSessionsSchema, { limit: '0' }, 'limit'],
  ['an empty reference to look for', listSessionsSchema, { reference: '' }, 'reference'],
  ['a long reference to look for', listSessionsSchema, { reference: 'a'.repeat(129) }, 'reference'],
  ['an endless cursor', listSessionsSchema, { cursor: 'a'.repeat(129) }, 'cursor'],
  ['a page too large', listSessionsSchema, { limit: '101' }, 'limit'],
  ['a wait that is no number', readSessionSchema, { wait: 'long' }, 'wait'],
  ['a wait too long', readSessionSchema, { wait: '31' }, 'wait'],
  ['an empty password', passwordSchema, { password: '' }, 'password'],
  ['a password in another encoding', passwordSchema, { password: 'p\uFFFDss' }, 'password: expected the password as it was typed'],
  ['an endless password', passwordSchema, { password: 'a'.repeat(257) }, 'password'],
  ['an endless password over a stream', streamPasswordSchema, { sessionId: 'ses_1', password: 'a'.repeat(257) }, 'password'],
  ['a ticket shorter than half a minute', createTicketSchema, { expiresInSeconds: 29 }, 'expiresInSeconds'],
  ['a ticket longer than a day', createTicketSchema, { expiresInSeconds: 86_401 }, 'expiresInSeconds'],
  ['a ticket without a scope', createTicketSchema, { scopes: [] }, 'scopes'],
  ['a ticket with a scope of its own', createTicketSchema, { scopes: ['view', 'admin'] }, 'scopes.1'],
  ['a ticket for an address', createTicketSchema, { origins: ['https://a.example/x'] }, 'origins.0: expected an origin'],
  ['a ticket with too many origins', createTicketSchema, { origins: Array(21).fill('https://a.example') }, 'origins'],
  ['a tenant named in capitals', createTenantSchema, { ...tenant, id: 'Acme' }, 'id'],
  ['a tenant named with a dot', createTenantSchema, { ...tenant, id: 'a.b' }, 'id: expected 1 to 63 of a-z'],
  [
    'a provider host without TLS',
    createTenantSchema,
    { ...tenant, upstreamHosts: ['http://a.example'] },
    'upstreamHosts.0: expected a host',
  ],
  ['a provider host with a hidden character', patchTenantSchema, { upstreamHosts: ['a.exam\u200bple'] }, 'upstreamHosts.0'],
  ['a provider host too long', patchTenantSchema, { upstreamHosts: [`${'a'.repeat(249)}.example`] }, 'upstreamHosts.0'],
  ['too many provider hosts', patchTenantSchema, { upstreamHosts: Array(51).fill('a.example') }, 'upstreamHosts'],
  ['a tenant without a name', createTenantSchema, { id: 'acme' }, 'name'],
  ['a tenant with a limit below none', createTenantSchema, { ...tenant, limits: { viewers: -1 } }, 'limits.viewers'],
  ['a tenant named with a carriage return', createTenantSchema, { ...tenant, name: 'Acme\r' }, 'name: expected no invisible'],
  ['a tenant named from right to left', patchTenantSchema, { name: '\u202eAcme' }, 'name: expected no invisible'],
  ['a tenant named in another encoding', patchTenantSchema, { name: 'A\uFFFDme' }, 'name: expected UTF-8'],
  ['a callback behind a no-break space', patchTenantSchema, { callback: { url: '\u00a0https://a.example/' } }, 'found U+00A0'],
  ['a callback with a carriage return', patchTenantSchema, { callback: { url: 'https://a.example/\r' } }, 'found U+000D'],
  ['a relay behind a byte-order mark', createTenantSchema, { ...tenant, relay: { url: '\uFEFFhttps://a.example/' } }, 'found U+FEFF'],
  ['a callback that is no web address', patchTenantSchema, { callback: { url: 'ftp://example.com' } }, 'callback.url'],
  ['a period below none', createTenantSchema, { ...tenant, keepConnectedDays: -1 }, 'keepConnectedDays'],
  ['a period longer than a year', patchTenantSchema, { keepConnectedDays: 366 }, 'keepConnectedDays'],
  ['half a day', patchTenantSchema, { keepConnectedDays: 0.5 }, 'keepConnectedDays'],
  ['checks without a pause', createTenantSchema, { ...tenant, checkConnectedEvery: 0 }, 'checkConnectedEvery'],
  ['checks less than weekly', patchTenantSchema, { checkConnectedEvery: 10_081 }, 'checkConnectedEvery'],
  ['checks in words', patchTenantSchema, { checkConnectedEvery: '60' }, 'checkConnectedEvery'],
  ['a change of the tenant id', patchTenantSchema, { id: 'other' }, 'id'],
  ['an empty ticket', subscribeSchema, { ticket: '' }, 'ticket'],
  ['an endless ticket', subscribeSchema, { ticket: 'a'.repeat(4_097) }, 'ticket'],
  ['no format', subscribeSchema, { ticket: 'a', formats: [] }, 'formats'],
  ['a format of its own', subscribeSchema, { ticket: 'a', formats: ['svg'] }, 'formats.0'],
  ['a version below none', subscribeSchema, { ticket: 'a', after: -1 }, 'after'],
  ['no session', sessionIdSchema, {}, 'sessionId'],
  ['a session without an id', sessionIdSchema, { sessionId: '' }, 'sessionId'],
  ['a session with an endless id', sessionIdSchema, { sessionId: 'a'.repeat(65) }, 'sessionId'],
  ['half visible', visibleSchema, { visible: 1 }, 'visible'],
  ['an empty webhook token', setWebhookSchema, { webhookToken: '' }, 'webhookToken'],
  ['an endless webhook token', setWebhookSchema, { webhookToken: 'a'.repeat(257) }, 'webhookToken'],
];

describe('refuses', () => {
  test.each(BAD)('%s', (_name, schema, value, field) => {
    const refusal = refusalOf(schema, value);
    expect(refusal.code).toBe('invalid_request');
    expect(refusal.message).toContain(field);
  });

  test.each([null, undefined, 'text', 7, [], [instance]])('%j in place of the request', (value) => {
    expect(refusalOf(createSessionSchema, value).message).toMatch(/^the request: /);
  });

  const WHOLE: readonly (readonly [z.ZodType, object])[] = [
    [createSessionSchema, instance],
    [listSessionsSchema, {}],
    [readSessionSchema, {}],
    [passwordSchema, { password: 'x' }],
    [createTicketSchema, {}],
    [createTenantSchema, tenant],
    [patchTenantSchema, {}],
    [subscribeSchema, { ticket: 'x' }],
    [sessionIdSchema, { sessionId: 'x' }],
    [streamPasswordSchema, { sessionId: 'x', password: 'x' }],
    [visibleSchema, { visible: true }],
    [setWebhookSchema, { webhookToken: 'wt_1', replaceUrl: true }],
  ];

  test('unknown fields everywhere, by name, also in inner objects and in disguise', () => {
    for (const [schema, value] of WHOLE) {
      expect(() => parseRequest(schema, value)).not.toThrow();
      expect(refusalOf(schema, { ...value, colour: 'red' }).message).toBe('the request: unknown field "colour" (came: object)');
    }
    expect(refusalOf(createTenantSchema, { ...tenant, limits: { seats: 1 } }).message).toContain('limits: unknown field "seats"');
    expect(refusalOf(passwordSchema, JSON.parse('{"password":"x","__proto__":{}}')).message).toContain('"__proto__"');
  });
});

describe('accepts', () => {
  test.each(['Acme', 'ООО «Ромашка»', 'میخک‌ها', 'Team 👨‍👩‍👧 ❤️'])('a name as people write it: %s', (name) => {
    expect(parseRequest(createTenantSchema, { ...tenant, name }).name).toBe(name);
  });

  test('phones as people write them, as digits', () => {
    for (const expectedPhone of ['79990000000', '+79990000000', '+7 (999) 000-00-00', 'tel:+7-999-000-00-00']) {
      expect(parseRequest(createSessionSchema, { ...instance, expectedPhone }).expectedPhone).toBe('79990000000');
    }
  });

  test('query values, which are strings, with their defaults', () => {
    expect(parseRequest(listSessionsSchema, {})).toEqual({ limit: 20 });
    expect(parseRequest(listSessionsSchema, { limit: '100', state: 'ended' })).toEqual({ limit: 100, state: 'ended' });
    expect(parseRequest(readSessionSchema, { wait: '2.5', formats: 'text', visible: 'false' })).toEqual({
      wait: 2.5,
      formats: ['text'],
      visible: false,
    });
    expect(parseRequest(readSessionSchema, {})).toEqual({ wait: 0, visible: true });
    expect(parseRequest(readSessionSchema, { wait: '30', visible: 'true' })).toEqual({ wait: 30, visible: true });
    expect(parseRequest(eventsSchema, { formats: 'image,text' })).toEqual({ formats: ['image', 'text'], visible: true });
    expect(() => parseRequest(eventsSchema, { formats: 'svg' })).toThrow('formats.0: expected one of image, text');
  });

  test('each origin once, whatever its spelling', () => {
    expect(parseRequest(createTicketSchema, { origins: ['https://a.example', 'HTTPS://A.example:443'] }).origins).toEqual([
      'https://a.example',
    ]);
  });

  test('provider hosts in all their forms', () => {
    const upstreamHosts = ['*.api.example.com', 'mirror.example:8443', 'https://mirror.example', 'http://127.0.0.1:4000'];
    expect(parseRequest(patchTenantSchema, { upstreamHosts })).toEqual({ upstreamHosts });
  });

  test('whether a tab is hidden, with the handshake', () => {
    expect(parseRequest(handshakeSchema, { ticket: 'a', visible: false })).toEqual({ ticket: 'a', visible: false });
  });

  test('the limits themselves', () => {
    for (const expiresInSeconds of [60, 604_800]) parseRequest(createSessionSchema, { ...instance, expiresInSeconds });
    for (const expiresInSeconds of [30, 86_400]) parseRequest(createTicketSchema, { expiresInSeconds });
    parseRequest(createSessionSchema, {
      ...instance,
      instanceId: '1'.repeat(20),
      locale: 'ru-RU',
      returnUrl: 'http://localhost:3000/done?x=1',
    });
    for (const locale of ['en', 'zh-Hant-TW']) parseRequest(createSessionSchema, { ...instance, locale });
    parseRequest(createSessionSchema, { ...instance, expectedPhone: '+79990000000', logoutOnMismatch: true });
    for (const reference of ['a', 'a'.repeat(128)]) parseRequest(listSessionsSchema, { reference, cursor: 'a'.repeat(128) });
    parseRequest(createTicketSchema, { scopes: ['view', 'password'] });
    for (const sessionId of ['a', 'a'.repeat(64)]) parseRequest(sessionIdSchema, { sessionId });
    parseRequest(subscribeSchema, { ticket: 'a'.repeat(4_096), formats: ['image', 'text'], after: 0 });
  });
});

describe('origins', () => {
  test.each(['https://app.example.com', 'http://localhost:5173', 'https://[::1]:8443', 'https://xn--e1afmkfd.example'])('%s', (origin) => {
    expect(originSchema.safeParse(origin).success).toBe(true);
  });

  const notOrigins = [
    'app.example.com',
    'https://app.example.com/',
    'https://a.example/x',
    'https://u@a.example',
    'https://a.example?x',
    'null',
    '*',
  ];
  // A listed origin is also written into a policy header. There these texts would mean more than an
  // origin.
  const injections = [
    'https://a.example;sandbox',
    'https://a.example,https://b.example',
    'https://*',
    "https://'self'",
    'https://a.example\\x',
  ];

  test.each([...notOrigins, ...injections, 'https://a.example:x', 'https://a.example:99999'])('not %s', (origin) => {
    expect(originSchema.safeParse(origin).success).toBe(false);
  });
});

describe('messages', () => {
  const SECRET = 'Zq7secret~Zq7secret~Zq7secret~Zq7secret';

  test('contain no value of the request, wherever it is', () => {
    const fields = ['instanceId', 'apiToken', 'expectedPhone', 'relink', 'locale', 'expiresInSeconds', 'returnUrl'];
    const values = [SECRET, [SECRET], { [SECRET]: SECRET }];
    for (const field of fields) {
      for (const value of values) expect(refusalOf(createSessionSchema, { ...instance, [field]: value }).message).not.toContain(SECRET);
    }
    for (const [schema, value] of [
      [passwordSchema, { password: [SECRET] }],
      [passwordSchema, SECRET],
      [createTicketSchema, { scopes: [SECRET], origins: [SECRET] }],
      [listSessionsSchema, { state: SECRET, limit: SECRET }],
      [subscribeSchema, { ticket: { SECRET }, formats: [SECRET], after: SECRET }],
    ] as const) {
      const refusal = refusalOf(schema, value);
      expect(JSON.stringify([refusal.message, refusal.stack, refusal.cause])).not.toContain(SECRET);
    }
  });

  test.each<[z.ZodType, unknown, string]>([
    [passwordSchema, {}, 'password: expected string (came: nothing)'],
    [passwordSchema, { password: null }, 'password: expected string (came: null)'],
    [passwordSchema, { password: ['x'] }, 'password: expected string (came: array of 1)'],
    [passwordSchema, { password: '' }, 'password: expected at least 1 characters (came: string of 0)'],
    [passwordSchema, { password: 'a'.repeat(257) }, 'password: expected at most 256 characters (came: string of 257)'],
    [passwordSchema, { password: 'x', a: 1, b: 2 }, 'the request: unknown fields "a", "b" (came: object)'],
    [createTicketSchema, { expiresInSeconds: 29 }, 'expiresInSeconds: expected at least 30 (came: number)'],
    [createTicketSchema, { expiresInSeconds: 86_401 }, 'expiresInSeconds: expected at most 86400 (came: number)'],
    [createTicketSchema, { scopes: [] }, 'scopes: expected at least 1 entries (came: array of 0)'],
    [createTicketSchema, { scopes: ['admin'] }, 'scopes.0: expected one of view, password (came: string of 5)'],
    [createTenantSchema, { id: 'acme' }, 'name: expected a value (came: nothing)'],
    [
      createSessionSchema,
      { instanceId: 'x', apiToken: 'y' },
      'instanceId: expected 4 to 20 digits (came: string of 1); apiToken: expected 8 to 256 characters of A-Z a-z 0-9 _ - (came: string of 1)',
    ],
  ])('name every field at fault, its rule and the kind of what came: %#', (schema, value, message) => {
    expect(refusalOf(schema, value).message).toBe(message);
  });

  test('name the text with half a surrogate pair', () => {
    const half = '\uD83D';
    const rule = 'expected text without half a surrogate pair';
    expect(refusalOf(passwordSchema, { password: half })).toMatchObject({
      code: 'invalid_request',
      message: `password: ${rule} (came: string of 1)`,
    });
    expect(refusalOf(z.string(), half).message).toBe(`the request: ${rule} (came: string of 1)`);
    expect(refusalOf(z.object({ names: z.array(z.string()) }), { names: ['a', half] }).message).toBe(
      `names.1: ${rule} (came: string of 1)`,
    );
    // A schema may make a value that has more parts than what came.
    for (const value of ['a', null]) {
      const made = z.unknown().transform(() => ({ name: half }));
      expect(refusalOf(made, value).message).toBe(`name: ${rule} (came: nothing)`);
    }
  });

  test('shorten a long name, because it may be a secret in the wrong place', () => {
    const refusal = refusalOf(passwordSchema, { password: 'x', [instance.apiToken]: 1 });
    expect(refusal.message).not.toContain(instance.apiToken);
    expect(refusalOf(passwordSchema, { password: 'x', abcdefghijklmnop: 1 }).message).toContain('"abcdefghijklmnop"');
    expect(refusalOf(passwordSchema, { password: 'x', abcdefghijklmnopq: 1 }).message).toContain('"abcdefghijklmnop…"');
  });

  test('stay short whatever is sent', () => {
    const manyFaults = { ...tenant, allowedOrigins: Array(100).fill(SECRET) };
    const manyNames = { ...tenant, ...Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`name${n}`, n])) };
    for (const value of [manyFaults, manyNames]) expect(refusalOf(createTenantSchema, value).message.length).toBeLessThan(2_000);
  });
});
