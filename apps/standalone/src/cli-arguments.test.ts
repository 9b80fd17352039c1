import { describe, expect, it } from 'vitest';
import { type LoginArguments, parseCommand } from './cli-arguments.ts';
import { HELP } from './cli-help.ts';
import { EXITS, LoginError } from './login/ending.ts';
import { DEFAULT_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS } from './option-rules.ts';

/** In place of a secret that a person pasted by mistake. No message may contain it. */
const PASTED = 'd75b3a66374942c5b3c019c698abc2067e151558acbd412345';

function login(...rest: string[]): LoginArguments {
  const command = parseCommand(['login', '--id', '1101000001', ...rest]);
  if (command.kind !== 'login') throw new Error(`expected a login, came ${command.kind}`);
  return command.arguments;
}

function refusal(argv: readonly string[]): LoginError {
  try {
    parseCommand(argv);
  } catch (error) {
    if (error instanceof LoginError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('the command line', () => {
  it('needs only an id', () => {
    expect(login()).toEqual({
      instanceId: '1101000001',
      apiUrl: undefined,
      tokenFile: undefined,
      passwordFile: undefined,
      gateway: undefined,
      json: false,
      relink: false,
      expectedPhone: undefined,
      timeoutSeconds: DEFAULT_TIMEOUT_SECONDS,
    });
  });

  it.each([
    [['--api-url', '1103.api.green-api.com'], { apiUrl: 'https://1103.api.green-api.com' }],
    [['--api-url', 'https://1103.api.green-api.com/v3/'], { apiUrl: 'https://1103.api.green-api.com' }],
    [['--api-url', 'https://provider.example.com'], { apiUrl: 'https://provider.example.com' }],
    [['--api-url', 'http://127.0.0.1:4000'], { apiUrl: 'http://127.0.0.1:4000' }],
    [['--token-file', '-', '--password-file', 'p.txt'], { tokenFile: '-', passwordFile: 'p.txt' }],
    [['--gateway', 'https://qrcast.example.com/'], { gateway: 'https://qrcast.example.com' }],
    [['--json', '--relink'], { json: true, relink: true }],
    [['--expected-phone', '+7 (900) 123-45-67'], { expectedPhone: '79001234567' }],
    [['--timeout', '1'], { timeoutSeconds: 1 }],
    [['--timeout', String(MAX_TIMEOUT_SECONDS)], { timeoutSeconds: MAX_TIMEOUT_SECONDS }],
  ])('understands %j', (argv, parsed) => {
    expect(login(...argv)).toMatchObject(parsed);
  });

  it.each([['--help'], ['-h'], ['help'], ['login', '--help']])('shows help for %j', (...argv) => {
    expect(parseCommand(argv)).toEqual({ kind: 'help' });
  });

  it('rotates keys, or only checks', () => {
    expect(parseCommand(['rotate-keys'])).toEqual({ kind: 'rotate-keys', isCheck: false });
    expect(parseCommand(['rotate-keys', '--check'])).toEqual({ kind: 'rotate-keys', isCheck: true });
    for (const argv of [
      ['rotate-keys', 'now'],
      ['rotate-keys', '--id', '1101000001'],
      ['login', '--id', '1101000001', '--check'],
    ]) {
      expect(refusal(argv).exitCode).toBe(EXITS.usage.code);
    }
  });

  it('looks at an installation, for a person or a program', () => {
    expect(parseCommand(['doctor'])).toEqual({ kind: 'doctor', json: false });
    expect(parseCommand(['doctor', '--json'])).toEqual({ kind: 'doctor', json: true });
    for (const argv of [
      ['doctor', PASTED],
      ['doctor', '--gateway', 'https://qrcast.example.com'],
    ]) {
      expect(refusal(argv)).toMatchObject({
        exitCode: EXITS.usage.code,
        message: 'doctor takes no more than --json: it reads the environment',
      });
    }
  });

  it.each([['--version'], ['-v']])('prints its version for %j', (...argv) => {
    expect(parseCommand(argv)).toEqual({ kind: 'version' });
  });

  it.each([
    [[], 'expected a command'],
    [[PASTED], 'expected a command'],
    [['login'], '--id is missing'],
    [['login', '--id'], "option '--id <value>' argument missing"],
    [['login', '--id', PASTED], '--id: expected 4 to 20 digits (came: text of 50 characters)'],
    [['login', '--id', '1101000001', PASTED], 'unexpected words after `login`'],
    [['login', '--id', '1101000001', `--apitoken=${PASTED}`], "unknown option '--apitoken'"],
    [['login', '--id', '1101000001', `-t${PASTED}`], "unknown option '-t'"],
    [['login', '--id', '1101000001', '--json=yes'], "option '--json' does not take an argument"],
    [['login', '--id', '1101000001', '--token', PASTED], '--token is not taken'],
    [['login', '--id', '1101000001', `--token=${PASTED}`], 'GREEN_API_TOKEN, --token-file <path>'],
    [['login', '--id', '1101000001', '--api-key', PASTED], 'Use QRCAST_API_KEY'],
    [['login', '--id', '1101000001', '--password', PASTED], 'Use QRCAST_ACCOUNT_PASSWORD'],
    [['login', '--id', '1101000001', '--token', PASTED, '--help'], '--token is not taken'],
    [['login', '--id', '1101000001', '--token-file', ''], '--token-file: expected a path'],
    [['login', '--id', '1101000001', '--password-file', ''], '--password-file: expected a path'],
    [['login', '--id', '1101000001', '--api-url', `https://1103.api.green-api.com/waInstance1/qr/${PASTED}`], '--api-url: expected'],
    [['login', '--id', '1101000001', '--api-url', 'http://1103.api.green-api.com'], '--api-url: expected'], // the token would be unencrypted
    [['login', '--id', '1101000001', '--api-url', 'http://127.0.0.1'], '--api-url: expected'], // without a port
    [['login', '--id', '1101000001', '--gateway', 'qrcast.example.com'], '--gateway: expected its address'],
    [['login', '--id', '1101000001', '--gateway', `https://qrcast.example.com/connect#${PASTED}`], '--gateway: expected its address'],
    [['login', '--id', '1101000001', '--gateway', `https://:${PASTED}@qrcast.example.com`], '--gateway: expected its address'],
    [['login', '--id', '1101000001', '--expected-phone', '1234'], '--expected-phone: expected a phone number'],
    [['login', '--id', '1101000001', '--expected-phone', '8 (900) 123-45-67'], 'write +7 in place of the 8'],
    [['login', '--id', '1101000001', '--timeout', '0'], '--timeout: expected 1 to 43200 seconds'],
    [['login', '--id', '1101000001', '--timeout', '43201'], '--timeout: expected'],
    [['login', '--id', '1101000001', '--timeout', '5m'], '--timeout: expected'],
  ])('refuses %j with words and without the value', (argv, words) => {
    const { code, exitCode, message } = refusal(argv);
    expect({ code, exitCode }).toEqual({ code: 'usage', exitCode: 2 });
    expect(message).toContain(words);
    expect(message).not.toContain(PASTED);
  });
});

describe('qrcast webhook', () => {
  const GATEWAY = ['webhook', '--gateway', 'https://qrcast.example.com/'];
  const DEFAULTS = {
    gateway: 'https://qrcast.example.com',
    sessionId: undefined,
    instanceId: undefined,
    apiUrl: undefined,
    tokenFile: undefined,
    isSet: false,
    isReplacing: false,
    json: false,
  };

  it.each([
    [['--session', 'ses_ln1If9cPrHP2Sui-'], { sessionId: 'ses_ln1If9cPrHP2Sui-' }],
    [
      ['--id', '1101000001', '--api-url', '1103.api.green-api.com', '--token-file', '-'],
      { instanceId: '1101000001', apiUrl: 'https://1103.api.green-api.com', tokenFile: '-' },
    ],
    [['--session', 'ses_1', '--set', '--replace-url', '--json'], { sessionId: 'ses_1', isSet: true, isReplacing: true, json: true }],
  ])('understands %j', (argv, parsed) => {
    expect(parseCommand([...GATEWAY, ...argv])).toEqual({ kind: 'webhook', arguments: { ...DEFAULTS, ...parsed } });
  });

  it.each([
    [['webhook', '--session', 'ses_1'], '--gateway is missing'],
    [GATEWAY, 'expected either --session'],
    [[...GATEWAY, '--session', 'ses_1', '--id', '1101000001'], 'expected either --session'],
    [[...GATEWAY, '--session', `../${PASTED}`], '--session: expected the id of a session'],
    [[...GATEWAY, '--session', 'ses_1', '--replace-url'], '--replace-url belongs to --set'],
    [[...GATEWAY, '--session', 'ses_1', '--relink'], '--relink belongs to login'],
    [[...GATEWAY, '--session', 'ses_1', '--check'], '--check belongs to rotate-keys'],
    [[...GATEWAY, '--session', 'ses_1', '--webhook-token', PASTED], '--webhook-token is not taken'],
    [[...GATEWAY, PASTED], 'unexpected words after `webhook`'],
    [['login', '--id', '1101000001', '--set'], '--set belongs to webhook'],
  ])('refuses %j with words and without the value', (argv, words) => {
    const { exitCode, message } = refusal(argv);
    expect(exitCode).toBe(2);
    expect(message).toContain(words);
    expect(message).not.toContain(PASTED);
  });
});

describe('qrcast tenants', () => {
  const GATEWAY = ['--gateway', 'https://qrcast.example.com/'];

  it.each([
    [['list'], { kind: 'list' }],
    [['add', 'acme'], { kind: 'add', tenantId: 'acme', name: 'acme' }],
    [['add', 'acme', '--name', 'Acme Ltd'], { kind: 'add', tenantId: 'acme', name: 'Acme Ltd' }],
    [['suspend', 'acme'], { kind: 'suspend', tenantId: 'acme' }],
    [['resume', 'acme'], { kind: 'resume', tenantId: 'acme' }],
    [['keys', 'list', 'acme'], { kind: 'listKeys', tenantId: 'acme' }],
    [['keys', 'add', 'acme'], { kind: 'addKey', tenantId: 'acme' }],
    [['keys', 'revoke', 'acme', 'key_1'], { kind: 'revokeKey', tenantId: 'acme', keyId: 'key_1' }],
  ])('understands %j', (words, action) => {
    const expected = { kind: 'tenants', arguments: { gateway: 'https://qrcast.example.com', action, json: false } };
    expect(parseCommand(['tenants', ...words, ...GATEWAY])).toEqual(expected);
    expect(parseCommand(['tenants', ...words, ...GATEWAY, '--json'])).toMatchObject({ arguments: { action, json: true } });
  });

  it.each([
    [['list'], '--gateway is missing'],
    [[...GATEWAY], 'expected after `tenants`: list, add <id>'],
    [['keys', ...GATEWAY], 'expected after `tenants`: list, add <id>'],
    [['keys', PASTED, ...GATEWAY], 'expected after `tenants`'],
    [[PASTED, ...GATEWAY], 'expected after `tenants`'],
    [['list', PASTED, ...GATEWAY], 'unexpected words'],
    [['keys', 'add', 'acme', PASTED, ...GATEWAY], 'unexpected words'],
    [['add', ...GATEWAY], 'the id of the tenant is missing'],
    [['add', PASTED.toUpperCase(), ...GATEWAY], 'the id of the tenant: expected 1 to 63 of a-z 0-9 _ -'],
    [['keys', 'revoke', 'acme', ...GATEWAY], 'the id of the key is missing'],
    [['keys', 'revoke', 'acme', `../${PASTED}`, ...GATEWAY], 'the id of the key: expected an id'],
    [['suspend', 'acme', '--name', PASTED, ...GATEWAY], '--name belongs to tenants add'],
    [['list', '--admin-key', PASTED, ...GATEWAY], 'Use QRCAST_ADMIN_KEY'],
    [['list', '--id', '1101000001', ...GATEWAY], '--id does not belong to tenants'],
  ])('refuses %j with words and without the value', (words, text) => {
    const { exitCode, message } = refusal(['tenants', ...words]);
    expect(exitCode).toBe(2);
    expect(message).toContain(text);
    expect(message.toLowerCase()).not.toContain(PASTED);
  });

  it('is what --name belongs to', () => {
    expect(refusal(['login', '--id', '1101000001', '--name', PASTED]).message).toBe('--name belongs to tenants');
  });
});

describe('qrcast top', () => {
  const GATEWAY = ['--gateway', 'https://qrcast.example.com/'];

  it.each([
    [[], { scope: { kind: 'own' }, once: false, json: false }],
    [['--all', '--once'], { scope: { kind: 'all' }, once: true, json: false }],
    [['--tenant', 'acme', '--json'], { scope: { kind: 'tenant', tenantId: 'acme' }, once: false, json: true }],
  ])('understands %j', (words, expected) => {
    const command = { kind: 'top', arguments: { gateway: 'https://qrcast.example.com', ...expected } };
    expect(parseCommand(['top', ...words, ...GATEWAY])).toEqual(command);
  });

  it.each([
    [[], '--gateway is missing'],
    [[PASTED, ...GATEWAY], 'unexpected words after `top`'],
    [['--all', '--tenant', 'acme', ...GATEWAY], 'expected either --all or --tenant'],
    [['--tenant', PASTED.toUpperCase(), ...GATEWAY], 'the id of the tenant: expected'],
    [['--session', PASTED, ...GATEWAY], '--session does not belong to top'],
    [['--api-key', PASTED, ...GATEWAY], 'Use QRCAST_API_KEY'],
  ])('refuses %j with words and without the value', (words, text) => {
    const { exitCode, message } = refusal(['top', ...words]);
    expect(exitCode).toBe(2);
    expect(message).toContain(text);
    expect(message.toLowerCase()).not.toContain(PASTED);
  });

  it('is what its options belong to', () => {
    expect(refusal(['login', '--id', '1101000001', '--once']).message).toBe('--once belongs to top');
    expect(refusal(['webhook', ...GATEWAY, '--session', 'ses_1', '--tenant', 'acme']).message).toBe('--tenant belongs to top');
    expect(refusal(['tenants', 'list', ...GATEWAY, '--all']).message).toBe('--all does not belong to tenants');
  });
});

describe('the help', () => {
  it('names every option and every exit code', () => {
    for (const option of [
      'id',
      'api-url',
      'token-file',
      'password-file',
      'gateway',
      'json',
      'relink',
      'expected-phone',
      'timeout',
      'session',
      'set',
      'replace-url',
      'name',
      'all',
      'tenant',
      'once',
    ]) {
      expect(HELP).toContain(`  --${option} `);
    }
    for (const { code, means } of Object.values(EXITS))
      expect(HELP).toMatch(new RegExp(`^ {2}${code} +${means.replace(/[()]/g, '\\$&')}$`, 'm'));
    expect(new Set(Object.values(EXITS).map(({ code }) => code)).size).toBe(Object.keys(EXITS).length);
  });

  it('fits a terminal of 100 columns', () => {
    expect(Math.max(...HELP.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  });
});
