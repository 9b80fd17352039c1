/** The settings as documents: `.env.template`, and SETTINGS.md for the operator. */

import { fileVariableOf } from './environment.ts';
import type { Setting, SettingSection } from './setting.ts';
import { SETTING_SECTIONS } from './settings-table.ts';
import { wrap } from './wrap.ts';

const WIDTH = 100;

const TEMPLATE_INTRO = [
  'Every setting of qrcast. This file is made from the settings-….ts files in packages/runtime/src/process; do not edit it, but run: ' +
    'npx -y pnpm@12 --filter @qrcast/runtime settings',
  'Copy it to .env and take the # off the lines you change. qrcast reads the environment and no file, so load .env yourself:',
  '  set -a; . ./.env; set +a; npx -y pnpm@12 start',
  '',
  'Each line shows the default, or an example where there is none. No value here is a secret in use. An empty variable counts as unset. ' +
    'Text is UTF-8. One byte-order mark before a name or a value is dropped. Any other invisible character stops the process: a carriage ' +
    'return (save this file with Unix line ends), a tab, a no-break space, a zero-width one.',
  'A secret may be in a file of its own, in one line. Name the file in the variable with _FILE at its end, like ' +
    'REDIS_URL_FILE=/run/secrets/redis-url, and leave the variable itself unset.',
  'A bad value stops the process at its start, and all faults are listed at once. A variable that begins with QRCAST_ but is no setting is ' +
    'ignored. The start warns of it by name, because it may be misspelled.',
  '',
  'Roles: `start` (everything in one process), `gateway` (API, streams, notifications, page), `worker` (polls the provider). `command line`: ' +
    'the commands of `qrcast`. A setting that several roles read must have the same value in all processes over one Redis, except PORT, ' +
    'QRCAST_DRAIN_MS, QRCAST_LOG_LEVEL, QRCAST_LOG_FORMAT and QRCAST_METRICS_PORT.',
];

export function envTemplate(): string {
  return `${[comment(TEMPLATE_INTRO), ...SETTING_SECTIONS.map(templateSection)].join('\n\n')}\n`;
}

function templateSection({ title, intro, settings }: SettingSection): string {
  const heading = `# --- ${title} `.padEnd(WIDTH, '-');
  const entries = Object.entries(settings).map(([name, setting]) => templateEntry(name, setting));
  return [heading, ...(intro === undefined ? [] : [comment([intro])]), ...entries].join('\n\n');
}

function templateEntry(name: string, setting: Setting): string {
  const { form, isSecret = false, readBy, what, change, details = [], example } = setting;
  const byDefault = setting.default === null ? 'No default' : `Default ${setting.default}`;
  const value = `${form}. ${byDefault}.${isSecret ? ` A secret, which may be in the file that ${fileVariableOf(name)} names.` : ''}`;
  return `${comment([value, `Read by: ${readBy.join(', ')}.`, what, change, ...details])}\n#${name}=${example ?? setting.default ?? ''}`;
}

/** Paragraphs as comment lines within the width. Indented ones stay whole. */
function comment(paragraphs: readonly string[]): string {
  return paragraphs
    .flatMap((text) => (text.startsWith(' ') ? [text] : wrap(text, WIDTH - 2)))
    .map((line) => `# ${line}`.trimEnd())
    .join('\n');
}

const PAGE_INTRO = [
  '# Settings',
  'For whoever runs qrcast: every setting, by topic. [OPERATING.md](OPERATING.md#settings) says which of them you need.',
  'All settings are environment variables, and an empty one counts as unset. This page and [.env.template](.env.template) are made from ' +
    'the `settings-….ts` files in `packages/runtime/src/process` by `npx -y pnpm@12 --filter @qrcast/runtime settings`.',
  'A secret may be in a file of its own, in one line. Name the file in the variable with `_FILE` at its end, like ' +
    '`REDIS_URL_FILE=/run/secrets/redis-url`, and leave the variable itself unset.',
];

export function settingsPage(): string {
  return `${[...PAGE_INTRO.map((text) => wrapped(text)), ...SETTING_SECTIONS.map(pageSection)].join('\n\n')}\n`;
}

function pageSection({ title, intro, settings }: SettingSection): string {
  const entries = Object.entries(settings).map(([name, setting]) => pageEntry(name, setting));
  return [`## ${title}`, ...(intro === undefined ? [] : [wrapped(markdown(intro))]), ...entries].join('\n\n');
}

function pageEntry(name: string, { form, isSecret = false, readBy, what, change, details = [], ...setting }: Setting): string {
  const byDefault = setting.default === null ? 'No default.' : `Default \`${setting.default}\`.`;
  const facts = [
    `Value: ${markdown(form)}.${isSecret ? ` A secret, which may be in the file that \`${fileVariableOf(name)}\` names.` : ''} ${byDefault}`,
    `Read by: ${readBy.join(', ')}.`,
    markdown(change),
  ];
  return [
    `### \`${name}\``,
    wrapped(markdown(what)),
    facts.map((fact) => wrapped(`- ${fact}`, '  ')).join('\n'),
    ...details.map((detail) => wrapped(markdown(detail), /^\d\. /.test(detail) ? '   ' : '')),
  ].join('\n\n');
}

/** `indent`: of the lines after the first. */
const wrapped = (text: string, indent = ''): string => wrap(text, WIDTH - indent.length).join(`\n${indent}`);

/** `<`, `*` and `_` are no markup outside of code. */
function markdown(text: string): string {
  return text
    .split('`')
    .map((part, i) => (i % 2 === 1 ? part : part.replace(/[<*]|(?<=\s)_/g, '\\$&')))
    .join('`');
}
