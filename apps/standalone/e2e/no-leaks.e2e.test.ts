/**
 * No secret leaks: runs one full scenario, and searches everything that was written, sent,
 * requested and stored.
 */

import { createReleasers } from '@qrcast/runtime/releasers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VIEWS } from '../test/console-page.ts';
import { isMadeByCommand } from '../test/full-commands.ts';
import { isMadeHere } from '../test/full-console.ts';
import { type Evidence, runFullScenario } from '../test/full-scenario.ts';
import { findUnbounded } from '../test/label-hunt.ts';
import { createLeakHunt } from '../test/leak-hunt.ts';
import { hasTerminals } from '../test/login.ts';

const hunt = createLeakHunt();
const releasers = createReleasers();
let evidence: Evidence;

beforeAll(async () => {
  evidence = await runFullScenario(hunt, releasers);
});
afterAll(() => releasers.release());

const isCode = (name: string): boolean => name.startsWith('code of ');
const isTicket = (name: string): boolean => name.startsWith('ticket of ');

/** Splits lines into those whose first key or channel belongs to one session, and all others. */
function partition(lines: readonly string[]): [own: string, others: string] {
  const isOwn = (line: string): boolean => /qrcast:\S+/.exec(line)?.[0].match(/^qrcast:\{ses_[^}]+\}(:state)?$/) != null;
  return [lines.filter(isOwn).join('\n'), lines.filter((line) => !isOwn(line)).join('\n')];
}

/** Each command of an operator, and what proves that it printed something. */
const PRINTED: readonly (readonly [name: string, mark: string])[] = [
  ['doctor', 'secret-keys'],
  ['doctor --json', '"event":"doctor"'],
  ['doctor with faults', 'fault'],
  ['doctor with faults --json', '"level":"fault"'],
  ['tenants list', 'many-19'],
  ['tenants list --json', '"event":"tenants"'],
  ['tenants keys list', 'LAST USED'],
  ['tenants keys list --json', '"lastUsedAt":'],
  ['tenants suspend', 'is suspended'],
  ['tenants suspend --json', '"suspended":true'],
  ['tenants list with a wrong key', 'does not accept the admin key'],
  ['tenants list with a wrong key --json', '"code":"unauthenticated"'],
  ['top --once', 'showing'],
  ['top --once --json', '"event":"sessions"'],
  ['top --all --once', 'acme'],
  ['top --all --once --json', '"event":"sessions"'],
  ['top --all --json', '"event":"sessions"'],
  ['top with a wrong key', 'does not accept the API key'],
  ['top with a wrong key --json', '"code":"unauthenticated"'],
  ['top --all with a wrong key', 'does not accept the admin key'],
  ['top --all with a wrong key --json', '"code":"unauthenticated"'],
  ...(hasTerminals ? [['top at a terminal', 'showing'] as const] : []),
];

describe('nothing secret is in', () => {
  it.each([
    ['gateway a', ['"route":"/v1/sessions/:id/password"', 'redis connection lost', 'a request failed']],
    ['gateway b', ['"route":"/v1/sessions/:id/events"', 'redis connection lost']],
    ['worker', ['redis connection lost']],
    ['a gateway that cannot start', ['REDIS_URL', 'QRCAST_SECRET_KEYS', 'QRCAST_ADMIN_KEY', 'QRCAST_UPSTREAM_HOSTS']],
  ])('what %s writes', (name, marks) => {
    const written = evidence.programs.get(name) ?? '';
    expect(hunt.find(written)).toEqual([]);
    // Proves that it logged at the most verbose level.
    for (const mark of marks) expect(written).toContain(mark);
  });

  it('an answer that refuses', () => {
    expect(hunt.find(evidence.refusals)).toEqual([]);
    expect(evidence.refusals).not.toMatch(/127\.0\.0\.1:(?!\d+\/docs)|redis:|\.ts:\d/);
    const codes = 'unauthenticated forbidden not_found invalid_request upstream_not_allowed not_resumable webhook_url_differs unavailable';
    for (const code of codes.split(' ')) expect(evidence.refusals).toContain(`"code":"${code}"`);
  });

  it('an answer that grants, except for the code, and for each secret in the answer that created it', () => {
    expect(hunt.find(evidence.answers, isCode)).toEqual([]);
    for (const made of ['"applied":true', '"code":"url_differs"', '"apiKey":"[made]"', '"ticket":"[made]"', '"entries":[{'])
      expect(evidence.answers).toContain(made);
  });

  it('a message of any stream, except for the code', () => {
    expect(hunt.find(evidence.messages, isCode)).toEqual([]);
    const marks = ['"type":"session"', 'event: session', '["session",', 'ticket_revoked', '"ref":3', 'connect_error'];
    for (const mark of marks) expect(evidence.messages).toContain(mark);
  });

  it('an access log', () => {
    expect(hunt.find(evidence.accessLogs)).toEqual([]);
    for (const path of ['/connect', '/v1/ws', '/socket.io/', '/v1/sessions/self/events', '/v1/webhooks/green-api/acme'])
      expect(evidence.accessLogs).toContain(path);
  });

  it('an address that the page requests, or its console', () => {
    expect(hunt.find(evidence.pageSaid)).toEqual([]);
    expect(evidence.pageSaid).toMatch(/\/connect (.|\n)*socket ws:.*\/v1\/ws/);
  });

  it('what the page stores, except for the ticket in sessionStorage until it has done its work', () => {
    expect(hunt.find(evidence.pageKept)).toEqual([]);
    expect(evidence.pageKept).toContain('"html":');
    expect(hunt.find(evidence.pageSession.during, isTicket)).toEqual([]);
    expect(hunt.find(evidence.pageSession.during)).toEqual([expect.stringMatching(/^ticket of \d+ \(clear\)$/)]);
    expect(hunt.find(evidence.pageSession.after)).toEqual([]);
  });

  it("what is sent to the tenant's own server", () => {
    expect(hunt.find(evidence.callbacks)).toEqual([]);
    for (const type of ['session.connected', 'session.password_required', 'provider.notification'])
      expect(evidence.callbacks).toContain(type);
  });

  it('a command to Redis or any job or record ever written, except for the code in its own session', () => {
    const [own, others] = partition(evidence.redisCommands.map((words) => words.join(' ')));
    expect(hunt.find(others)).toEqual([]);
    expect(hunt.find(own, isCode)).toEqual([]);
    expect(hunt.find(own)).toContain('code of the page, its text (clear)');
    for (const mark of ['evalsha', ':polls:', ':callbacks:', 'publish']) expect(others.toLowerCase()).toContain(mark);
  });

  it('a message on any channel of Redis, except for the code on its own channel', () => {
    const [own, others] = partition(evidence.redisMessages);
    expect(hunt.find(others)).toEqual([]);
    expect(others).not.toBe('');
    expect(hunt.find(own, isCode)).toEqual([]);
    expect(hunt.find(own)).toContain('code of the page, its text (clear)');
  });

  it('Redis, except for the code while it is shown', () => {
    const { redisDuring: during, redisAfter: after } = evidence;
    expect(after).toContain('qrcast:{ses_');
    expect(hunt.find(after)).toEqual([]);
    const [own, others] = partition(during.split('\n'));
    expect(hunt.find(others)).toEqual([]);
    expect(hunt.find(own, isCode)).toEqual([]);
    expect(hunt.find(own)).toContain('code of the page, its text (clear)');
  });

  it.each(['gateway a', 'gateway b', 'worker'])('a scrape of %s', (name) => {
    const scrape = evidence.scrapes.get(name) ?? '';
    expect(hunt.find(scrape)).toEqual([]);
    expect(scrape).not.toContain(evidence.mark);
    expect(scrape).toContain('qrcast_redis_command_seconds_count{');
  });

  it('a span that is exported', () => {
    expect(hunt.find(evidence.spans)).toEqual([]);
    expect(evidence.spans).not.toContain(evidence.mark);
    for (const mark of ['"name":"poll"', '"name":"commit"', '"name":"deliver"', '"name":"callback"', '"name":"notification"'])
      expect(evidence.spans).toContain(mark);
  });

  it('a timeline, for the tenant and the operator', () => {
    expect(hunt.find(evidence.timelines)).toEqual([]);
    for (const mark of ['"kind":"delivery"', '"answer":"password_wanted"', '"cause":"password_refused"', '"endReason":"cancelled"'])
      expect(evidence.timelines).toContain(mark);
  });

  it.each(PRINTED)('what an operator is printed: %s', (name, mark) => {
    const printed = evidence.printed.get(name) ?? '';
    expect(hunt.find(printed)).toEqual([]);
    expect(printed).toContain(mark);
  });

  it.each(['add', 'keys'])('what an operator is printed who makes a key by tenants %s, except for what is made', (name) => {
    const printed = evidence.printed.get(`tenants ${name} --json`) ?? '';
    expect(hunt.find(printed, isMadeByCommand)).toEqual([]);
    expect(hunt.find(printed)).toContainEqual(expect.stringContaining('made by a command: apiKey'));
  });

  it('an answer that the console is given, and its stream', () => {
    const { told, said } = evidence.console;
    expect(hunt.find(told.join('\n'))).toEqual([]);
    for (const mark of ['"isFirst":true', '"entries":[{', '"hosts":[', '"callbacks":[{', '"tenants":[{', '"apiKey":"[made]"'])
      expect(told.join('\n')).toContain(mark);
    // Each path's answer was read. The last stream may have none yet when the page closes.
    const asked = said.flatMap((line) => /^[A-Z]+ \S+\/v1\/\S+/.exec(line) ?? []);
    const answered = told.map((answer) => answer.split(' ').slice(0, 2).join(' '));
    expect(new Set(answered)).toEqual(new Set(asked));
  });

  it('an address that the console asks, its referrer, and what it logs', () => {
    const { said } = evidence.console;
    expect(hunt.find(said.join('\n'))).toEqual([]);
    for (const mark of ['/v1/overview', '/v1/admin/overview', '/replay']) expect(said.join('\n')).toContain(mark);
  });

  it('what the console shows, stores and leaves in the history, except for a key while it is typed, and one that it has just made', () => {
    const { views } = evidence.console;
    for (const [view, seen] of views) {
      const found = hunt.find(seen, (name) => view.startsWith('new secrets') && isMadeHere(name));
      if (view.startsWith('a key that is typed')) expect(found, view).toContainEqual(expect.stringMatching(/key.* \(clear\)$/));
      else expect(found, view).toEqual([]);
    }
    expect(hunt.find(views.get('new secrets of the operator') ?? '').length).toBeGreaterThanOrEqual(3);
    for (const role of ['operator', 'tenant'] as const)
      for (const view of [...VIEWS[role], 'one session', 'signed out', 'signed in again'])
        expect(views.get(`${view} of the ${role}`), view).toContain('"html":');
  });

  it('a file that people save in the console', () => {
    expect(hunt.find(evidence.console.saved)).toEqual([]);
    expect(evidence.console.saved).toContain('"entries"');
  });

  it.runIf(process.platform === 'linux')('the arguments or the environment of a process, except what the operator set', () => {
    expect(evidence.commandLines).toMatch(/gateway\/src\/main\.ts/);
    expect(evidence.commandLines).toMatch(/redis-server/);
    expect(hunt.find(evidence.commandLines)).toEqual([]);
    expect(evidence.environments).toContain('PATH=');
    expect(hunt.find(evidence.environments)).toEqual([]);
  });
});

describe('no label is without bound in', () => {
  it.each([
    ['gateway a', 'route="none"'],
    ['gateway b', 'route="none"'],
    ['worker', 'host="other"'],
  ])('a scrape of %s, although callers name ever more paths, clients, tenants and hosts', (name, mark) => {
    const scrape = evidence.scrapes.get(name) ?? '';
    expect(findUnbounded(scrape)).toEqual([]);
    expect(scrape).toContain(mark);
  });
});
