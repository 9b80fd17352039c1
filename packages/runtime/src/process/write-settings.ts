/** The command: writes `.env.template` and `SETTINGS.md`. */

import { writeFileSync } from 'node:fs';
import { envTemplate, settingsPage } from './settings-document.ts';

const TOP = new URL('../../../../', import.meta.url);

writeFileSync(new URL('.env.template', TOP), envTemplate());
writeFileSync(new URL('SETTINGS.md', TOP), settingsPage());
