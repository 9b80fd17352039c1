/**
 * The command: writes `.env.template`; with `markdown`, prints the tables for the operator's guide.
 */

import { writeFileSync } from 'node:fs';
import { envTemplate, settingsMarkdown } from './settings-document.ts';

const TEMPLATE = new URL('../../../../.env.template', import.meta.url);
const HEADING_LEVEL = 3;

if (process.argv[2] === 'markdown') process.stdout.write(settingsMarkdown(HEADING_LEVEL));
else writeFileSync(TEMPLATE, envTemplate());
