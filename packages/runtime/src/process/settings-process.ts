/** The settings of the process itself, of Redis, and of secrets. */

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { weaknessOfText } from '../keyring/key-strength.ts';
import { parseKeyring } from '../keyring/keyring.ts';
import { LOG_FORMATS, LOG_LEVELS } from '../log.ts';
import { CLUSTER_FORM, isClusterUrl, parseClusterUrl } from '../redis/cluster-url.ts';
import { DEFAULT_NAMESPACE } from '../redis/keys.ts';
import { isSentinelUrl, parseSentinelUrl, SENTINEL_FORM } from '../redis/sentinel-url.ts';
import { UNREADABLE } from '../redis/url-parts.ts';
import { EVERY_PROGRAM, EVERY_ROLE, GATEWAYS, parsedBy, type Setting, whole } from './setting.ts';

export const PROCESS_SETTINGS = {
  PORT: {
    ...whole(0, 65_535, 'a TCP port', 3000),
    readBy: EVERY_ROLE,
    what:
      'The port that this process listens on; 0 takes a free one. A worker serves `/healthz` and `/readyz` there, and nothing else. ' +
      '`start` listens on the loopback address unless QRCAST_PUBLIC_URL is set. A gateway and a worker listen on all addresses, IPv6 and IPv4.',
    change: 'Change it when the port is taken: a gateway and a worker on one machine need two.',
  },
  QRCAST_LOG_LEVEL: {
    schema: z.enum(LOG_LEVELS, `expected one of ${LOG_LEVELS.join(', ')}`).default('info'),
    form: `One of ${LOG_LEVELS.join(', ')}`,
    default: 'info',
    readBy: EVERY_PROGRAM,
    what: 'The lowest level that is logged. `debug` logs every request and every poll.',
    change: 'Set it to `debug` while you look for a fault, and back afterwards.',
  },
  QRCAST_LOG_FORMAT: {
    schema: z.enum(LOG_FORMATS, `expected one of ${LOG_FORMATS.join(', ')}`).optional(),
    form: `One of ${LOG_FORMATS.join(', ')}`,
    default: null,
    example: 'text',
    readBy: EVERY_ROLE,
    what:
      'How log lines look: `json` for programs, `text` for people. Without this setting it is text on a terminal, and JSON elsewhere. ' +
      'Where it is set to `json`, `start` prints no key and no link.',
    change:
      'Set it to `text` to read the log of a process whose output goes through a pipe, and to `json` for a `start` that is a service.',
  },
  QRCAST_CONSOLE: {
    schema: z.enum(['on', 'off'], 'expected on or off').optional(), // off at a gateway, on at `start`
    form: 'on or off',
    default: 'off',
    readBy: GATEWAYS,
    what:
      'Whether gateways serve /console, a page for operators (admin key) and tenants (API key). It shows sessions live, their timelines, ' +
      'tenants, the audit log and callbacks. The page itself holds no data. `start` serves it unless this is off.',
    change: 'Turn it on where the people who have those keys reach the gateways with a browser.',
  },
  QRCAST_DRAIN_MS: {
    ...whole(0, 600_000, 'ms', 25_000),
    readBy: ['gateway', 'worker'],
    what:
      'How long a process drains after SIGTERM. The rest of the stop may take 10 s more. A gateway closes its streams spread over this time. ' +
      'A worker waits at most this long for the requests under way. `start` does not wait.',
    change: 'Keep it at least 10 s below the time that your orchestrator waits before it kills.',
  },
} as const satisfies Record<string, Setting>;

const REDIS_FORM = `expected redis://[user:password@]host:port[/database], or ${CLUSTER_FORM}, or ${SENTINEL_FORM}, or the same with rediss for TLS`;

/** What is wrong with the address, without repeating it. Null: nothing. */
function faultOfRedisUrl(address: string): string | null {
  if (/\s/.test(address)) return REDIS_FORM;
  if (isSentinelUrl(address)) return faultOf(() => parseSentinelUrl(address));
  if (isClusterUrl(address)) return faultOf(() => parseClusterUrl(address));
  if (!/^rediss?:\/\/[^,]+$/.test(address)) return REDIS_FORM;
  return hasReadableUser(address) ? null : UNREADABLE;
}

function faultOf(parse: () => unknown): string | null {
  try {
    parse();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Is the address a URL, and can its user and password be decoded? */
function hasReadableUser(address: string): boolean {
  try {
    const { username, password, pathname, search, hash } = new URL(address);
    decodeURIComponent(username + password);
    return !`${pathname}${search}${hash}`.includes('@'); // else a / ? or # of the password ended the host
  } catch {
    return false;
  }
}

/** The path of a file in PEM form, which is read only to see what it is. */
const pemFile = (label: RegExp, expected: string) =>
  parsedBy((path) => {
    let text: string;
    try {
      text = readFileSync(path, 'latin1');
    } catch (error) {
      throw new Error(
        `expected the path of a PEM file with ${expected}; this file cannot be read (${(error as NodeJS.ErrnoException).code})`,
      );
    }
    if (!label.test(text)) throw new Error(`expected the path of a PEM file with ${expected}; this file has none`);
    return path;
  }, expected).optional();

const CERTIFICATE = /^-----BEGIN CERTIFICATE-----/m;
const PRIVATE_KEY = /^-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/m;

export const REDIS_SETTINGS = {
  REDIS_URL: {
    schema: parsedBy((address) => {
      const fault = faultOfRedisUrl(address);
      if (fault !== null) throw new Error(fault);
      return address;
    }, REDIS_FORM).optional(),
    form: `redis://[user:password@]host:port[/database], or ${CLUSTER_FORM}, or ${SENTINEL_FORM}. For TLS, rediss in place of redis`,
    default: null,
    example: 'redis://127.0.0.1:6379',
    readBy: EVERY_PROGRAM,
    isSecret: true,
    what:
      'The Redis that all processes of the installation share: a server, nodes of a cluster, or the Sentinels that name a server. Gateways and workers require it. ' +
      'It needs Redis 7 or newer, with `maxmemory-policy noeviction` and the append-only file on. ' +
      'Without this setting, `start` runs a private Redis in `.qrcast/`.',
    change: 'Set it on everything but a demo.',
  },
  QRCAST_REDIS_CA: {
    schema: pemFile(CERTIFICATE, 'certificates'),
    form: 'The path of a PEM file',
    default: null,
    example: '/etc/qrcast/redis-ca.pem',
    readBy: EVERY_PROGRAM,
    what: 'Certificates of the authorities that may sign the certificate of Redis, with a `rediss://`, `rediss+cluster://` or `rediss+sentinel://` address. They take the place of those that Node knows, and are trusted for Redis alone.',
    change: 'Set it when the certificate of Redis is signed by an authority of your own, or of your hoster.',
  },
  QRCAST_REDIS_CERT: {
    schema: pemFile(CERTIFICATE, 'a certificate'),
    form: 'The path of a PEM file',
    default: null,
    example: '/etc/qrcast/redis-client.pem',
    readBy: EVERY_PROGRAM,
    what: 'The certificate with which qrcast identifies itself to Redis. QRCAST_REDIS_KEY is its key.',
    change: 'Set both when Redis asks for a certificate (`tls-auth-clients yes`).',
  },
  QRCAST_REDIS_KEY: {
    schema: pemFile(PRIVATE_KEY, 'a private key without a passphrase'),
    form: 'The path of a PEM file',
    default: null,
    example: '/etc/qrcast/redis-client.key',
    readBy: EVERY_PROGRAM,
    what: 'The private key of QRCAST_REDIS_CERT, without a passphrase.',
    change: 'Set it together with QRCAST_REDIS_CERT.',
  },
  QRCAST_NAMESPACE: {
    schema: z
      .string()
      .regex(/^[a-z0-9-]{1,32}$/, 'expected 1 to 32 of a-z 0-9 -')
      .default(DEFAULT_NAMESPACE),
    form: '1 to 32 of a-z 0-9 -',
    default: DEFAULT_NAMESPACE,
    readBy: EVERY_PROGRAM,
    what: "The prefix of all keys and channels in Redis. BullMQ's keys begin with it in braces.",
    change: 'Change it when two installations share one Redis.',
  },
} as const satisfies Record<string, Setting>;

/** A key that a machine has made. */
export const machineKey = z
  .string()
  .min(24, 'expected at least 24 characters')
  .max(4_096, 'expected at most 4096 characters')
  .regex(/^[\x21-\x7e]*$/, 'expected letters, digits and signs of ASCII without spaces: an HTTP header can hold nothing else')
  .superRefine((text, context) => {
    const weakness = weaknessOfText(text);
    if (weakness !== null) context.addIssue({ code: 'custom', message: `${weakness}; make one with openssl rand -hex 24`, input: '' });
  });

export const SECRET_SETTINGS = {
  QRCAST_SECRET_KEYS: {
    schema: parsedBy(parseKeyring, 'not a keyring').optional(),
    form: 'id:base64, several separated by commas; an id has 1 to 32 letters, digits, _ or -, a key at least 32 random bytes',
    default: null,
    readBy: EVERY_PROGRAM,
    isSecret: true,
    what:
      "The first key seals the provider's tokens and signs tickets. The other keys only open what was made with them. " +
      'Gateways and workers require this setting. Without it, `start` makes a key and keeps it in `.qrcast/keys.json`.',
    change: 'Change it to rotate keys. Make a key with `echo "k2:$(openssl rand -base64 32)"`, under an id that is new.',
    details: [
      'To rotate without an interruption:',
      '1. Add the new key at the end, and restart all processes one after another. Now all of them can read it.',
      '2. Move it to the front, and restart all processes again.',
      '3. Run `npx -y pnpm@12 qrcast rotate-keys` with the same settings. It seals anew what the old key sealed. Repeat it until it ' +
        'moves nothing; before that, no process starts without the old key.',
      '4. Remove the old key 24 hours after step 2, when the tickets that it signed have expired. If others may know the key, remove it ' +
        'at once: those tickets then stop working.',
      'A process does not start if it lacks a key that is still needed, or if its first key was not at the end of a list before. If a ' +
        'key is lost for good, so is what it sealed. Then remove its traces (`redis-cli hdel qrcast:key-proofs <id>`, ' +
        '`redis-cli hdel qrcast:key-fingerprints <id>`), and give tenants new callback secrets.',
      'Keys that are short, repetitive, readable, or given twice are refused.',
    ],
  },
  QRCAST_ADMIN_KEY: {
    schema: machineKey.optional(),
    form: 'At least 24 characters, made by a machine; repetition, counting and words of examples are refused',
    default: null,
    readBy: [...GATEWAYS, 'command line'],
    isSecret: true,
    what: 'The key of the admin API, which creates and changes tenants. Without it the admin API is off.',
    change: 'Set it to manage tenants; `start` always creates one, `default`. Make one with `openssl rand -hex 24`.',
  },
} as const satisfies Record<string, Setting>;
