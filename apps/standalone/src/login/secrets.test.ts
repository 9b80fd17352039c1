import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSecrets, type Secrets, type SecretsDeps, takeSecrets } from './secrets.ts';

const TOKEN = 'd75b3a66374942c5b3c019c698abc206';
const EVERY = ['GREEN_API_TOKEN', 'QRCAST_API_KEY', 'QRCAST_ADMIN_KEY', 'QRCAST_ACCOUNT_PASSWORD', 'QRCAST_WEBHOOK_TOKEN'] as const;
const { signal } = new AbortController();

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'qrcast-secrets-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function fileWith(text: string | Buffer): Promise<string> {
  const path = join(folder, 'secret');
  await writeFile(path, text);
  return path;
}

/**
 * A terminal and a stdin with what will be typed and piped; `asked` is what the person was asked.
 */
async function open(given: {
  env?: Record<string, string>;
  typed?: string[];
  piped?: string[];
  tokenFile?: string;
  passwordFile?: string;
}): Promise<Secrets & { asked: string[] }> {
  const asked: string[] = [];
  const input: SecretsDeps['input'] = {
    hasTerminal: given.typed !== undefined,
    takeKeyboard: () => void asked.push('[unseen] '),
    typed: async () => given.typed?.shift() ?? null,
    piped: async () => given.piped?.shift() ?? null,
  };
  const { tokenFile, passwordFile } = given;
  const deps = { variables: takeSecrets({ ...given.env }, EVERY), input, ask: (question: string) => void asked.push(question) };
  return { ...(await openSecrets(deps, { instanceId: '1101000001', tokenFile, passwordFile })), asked };
}

describe('a line of stdin', () => {
  it('that is empty is no password, and an empty typed one is reported', async () => {
    const { passwords } = await open({ piped: ['', '', 'piped', ''], typed: ['', 'typed'] });
    expect([await passwords.next(signal), await passwords.next(signal), await passwords.next(signal)]).toEqual(['piped', '', 'typed']);
  });
});

describe("the instance's token", () => {
  it('comes from the environment', async () => {
    const { token, asked } = await open({ env: { GREEN_API_TOKEN: TOKEN }, typed: ['another-one'] });
    expect(await token(signal)).toBe(TOKEN);
    expect(asked).toEqual([]);
  });

  it('comes from a file before the environment, without the line end', async () => {
    const { token } = await open({ env: { GREEN_API_TOKEN: 'another-one' }, tokenFile: await fileWith(`${TOKEN}\r\n`) });
    expect(await token(signal)).toBe(TOKEN);
  });

  it('is the first line of stdin for --token-file -, and the rest is not read', async () => {
    const piped = [TOKEN, 'password'];
    const { token, passwords } = await open({ tokenFile: '-', piped });
    expect(await token(signal)).toBe(TOKEN);
    expect(await passwords.next(signal)).toBe('password');
  });

  it('is asked for at a terminal', async () => {
    const { token, asked } = await open({ typed: [TOKEN] });
    expect(await token(signal)).toBe(TOKEN);
    expect(asked.join('')).toBe('[unseen] API token of instance 1101000001 (not shown): \n');
  });

  it.each([
    [{}, 'no API token: set GREEN_API_TOKEN'],
    [{ env: { GREEN_API_TOKEN: '' } }, 'no API token: set GREEN_API_TOKEN'],
    [{ tokenFile: '-' }, 'expected 8 to 256 characters'],
    [{ env: { GREEN_API_TOKEN: 'with/slash' } }, 'expected 8 to 256 characters of A-Z a-z 0-9 _ - (came: text of 10 characters)'],
    [{ tokenFile: '/nowhere/at/all' }, '--token-file: the file could not be read (ENOENT)'],
  ])('is reported as missing: %j', async (given, words) => {
    await expect((await open(given)).token(signal)).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining(words) });
  });

  it.each([{ env: { GREEN_API_TOKEN: 'pasted with spaces' } }, { tokenFile: 'pasted' }])('is in no message: %j', async (given) => {
    await expect((await open(given)).token(signal)).rejects.toMatchObject({ message: expect.not.stringContaining('pasted') });
  });
});

describe('the environment', () => {
  it('contains no secret for processes that are started later', () => {
    const secrets = { GREEN_API_TOKEN: TOKEN, QRCAST_API_KEY: 'k', QRCAST_ADMIN_KEY: 'a', QRCAST_ACCOUNT_PASSWORD: 'p' };
    const env = { ...secrets, PATH: '/bin' };
    expect(takeSecrets(env, [])).toEqual(secrets);
    expect(env).toEqual({ PATH: '/bin' });
  });
});

describe("the gateway's key", () => {
  it('comes from the environment, or is asked for', async () => {
    expect(await (await open({ env: { QRCAST_API_KEY: 'qk_1' }, typed: ['qk_2'] })).apiKey(signal)).toBe('qk_1');
    expect(await (await open({ typed: ['qk_2'] })).apiKey(signal)).toBe('qk_2');
  });

  it('is reported as missing', async () => {
    await expect((await open({})).apiKey(signal)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('set QRCAST_API_KEY'),
    });
  });
});

describe("the gateway's admin key", () => {
  it('comes from the environment, or is asked for', async () => {
    expect(await (await open({ env: { QRCAST_ADMIN_KEY: 'admin-1' }, typed: ['admin-2'] })).adminKey(signal)).toBe('admin-1');
    expect(await (await open({ typed: ['admin-2'] })).adminKey(signal)).toBe('admin-2');
  });

  it('is reported as missing', async () => {
    await expect((await open({})).adminKey(signal)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('set QRCAST_ADMIN_KEY'),
    });
  });
});

describe("the account's password", () => {
  it('comes from the environment, until it was wrong', async () => {
    const { passwords } = await open({ env: { QRCAST_ACCOUNT_PASSWORD: 'from env' } });
    expect(passwords.given()).toBe('from env');
    expect(passwords.given()).toBe('from env'); // another attempt may need it again
    passwords.forgetGiven();
    expect(passwords.given()).toBeNull();
    expect(await passwords.next(signal)).toBeNull();
  });

  it('keeps its spaces in a file, without the line end', async () => {
    const { passwords } = await open({ passwordFile: await fileWith(' with spaces \n') });
    expect(passwords.given()).toBe(' with spaces ');
  });

  it('is reported as missing at once if its file does not exist, not only when it is needed', async () => {
    await expect(open({ passwordFile: '/nowhere/at/all' })).rejects.toMatchObject({
      exitCode: 2,
      message: '--password-file: the file could not be read (ENOENT)',
    });
  });

  it('is a line of stdin, then typed', async () => {
    const { passwords } = await open({ passwordFile: '-', piped: ['piped'], typed: ['typed'] });
    expect(passwords.given()).toBeNull();
    expect(await passwords.next(signal)).toBe('piped');
    expect(await passwords.next(signal)).toBe('typed');
  });
});

describe('bytes of a secret', () => {
  const MARK = '\uFEFF';

  it.each([`${MARK}secret`, `${MARK}secret\n`, `${MARK}secret\r\n`, 'secret\r'])(
    "of a password's file are read without a mark and a line end: %j",
    async (text) => {
      expect((await open({ passwordFile: await fileWith(text) })).passwords.given()).toBe('secret');
    },
  );

  it.each(['пароль', 'ключ ❤️ 👨‍👩‍👧', ' two  spaces '])('may be any text of one line: %j', async (text) => {
    expect((await open({ passwordFile: await fileWith(`${MARK}${text}\n`) })).passwords.given()).toBe(text);
  });

  it.each<readonly [string, string | Buffer, string]>([
    ['cp1251', Buffer.from('\xef\xe0\xf0', 'latin1'), 'expected UTF-8'],
    ['UTF-16LE, as PowerShell writes it', Buffer.from(`${MARK}secret`, 'utf16le'), 'expected UTF-8'],
    ['UTF-16BE', Buffer.from(`${MARK}secret`, 'utf16le').swap16(), 'expected UTF-8'],
    ['UTF-16LE without its mark', Buffer.from('secret', 'utf16le'), 'invisible character'],
    ['an overlong form', Buffer.from('\xc0\xaf', 'latin1'), 'expected UTF-8'],
    ['nothing', '', 'is empty'],
    ['a mark alone', MARK, 'is empty'],
    ['a line end alone', '\n', 'is empty'],
    ['a line end of Windows alone', `${MARK}\r\n`, 'is empty'],
    ['two line ends', '\n\n', 'expected one line'],
    ['two lines', 'secret\nsecond', 'expected one line'],
    ['two lines of Windows', 'secret\r\nsecond\r\n', 'expected one line'],
    ['two lines of an old Mac', 'secret\rsecond', 'expected one line'],
    ['an empty second line', 'secret\n\n', 'expected one line'],
    ['an empty first line', '\nsecret', 'expected one line'],
    ['a line separator', 'secret\u2028second', 'expected one line'],
    ['two marks', `${MARK}${MARK}secret`, 'invisible character'],
    ['a mark inside', `sec${MARK}ret`, 'invisible character'],
    ['a NUL', 'secret\0', 'invisible character'],
    ['a zero-width space', 'secret\u200b', 'invisible character'],
    ['a replacement character', 'secret\uFFFD', 'expected UTF-8'],
  ])("of a password's file that are not one line of text are a usage error: %s", async (_what, text, words) => {
    const fault = await open({ passwordFile: await fileWith(text) }).catch((error: unknown) => error);
    expect(fault).toMatchObject({ exitCode: 2, message: expect.stringContaining(words) });
    expect((fault as Error).message).toContain('--password-file: ');
    expect((fault as Error).message).not.toContain('sec');
  });

  it("of a token's file are read without a byte-order mark, and no other invisible character is removed", async () => {
    expect(await (await open({ tokenFile: await fileWith(`${MARK}${TOKEN}\r\n`) })).token(signal)).toBe(TOKEN);
    for (const [text, words] of [
      [`${TOKEN}\u00a0`, 'invisible character'],
      [`${MARK}${MARK}${TOKEN}`, 'invisible character'],
      [Buffer.from(TOKEN, 'utf16le'), 'invisible character'],
      [Buffer.from(`${MARK}${TOKEN}`, 'utf16le'), 'expected UTF-8'],
    ] as const) {
      const { token } = await open({ tokenFile: await fileWith(text) });
      await expect(token(signal)).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining(words) });
    }
  });

  it.each(EVERY)('of %s are refused by its name', (name) => {
    for (const character of ['\r', '\n', '\u00a0', '\u200b', '\uFEFF', '\uFFFD']) {
      const env = { [name]: `secret${character}` };
      expect(() => takeSecrets(env, [name])).toThrow(new RegExp(`^${name}: expected (no invisible character|UTF-8 text)`));
      expect(env).toEqual({});
    }
    const marked = { [`${MARK}${name}`]: `${MARK}secret` };
    expect(takeSecrets(marked, [name])).toMatchObject({ [name]: 'secret' });
    expect(marked).toEqual({});
  });

  it('of a variable that the command does not use do not stop it', () => {
    const env = { QRCAST_API_KEY: 'qk_1', QRCAST_ADMIN_KEY: 'secret\r' };
    expect(takeSecrets(env, ['QRCAST_API_KEY'])).toMatchObject({ QRCAST_API_KEY: 'qk_1' });
    expect(env).toEqual({});
  });

  it('of a line of stdin are refused before they are sent', async () => {
    const { passwords } = await open({ piped: ['secret\u200b', 'right'] });
    await expect(passwords.next(signal)).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining('invisible character') });
    expect(await passwords.next(signal)).toBe('right');
  });

  it('of a typed key are refused if no header can contain them', async () => {
    for (const key of ['qk_\u200b1', 'ключ', 'qk_ 1']) {
      await expect((await open({ typed: [key] })).apiKey(signal)).rejects.toMatchObject({ exitCode: 2 });
    }
  });
});
