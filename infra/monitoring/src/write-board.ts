/** The command: writes `grafana-board.json`. */

import { writeFileSync } from 'node:fs';
import { boardJson } from './board-json.ts';

writeFileSync(new URL('../grafana-board.json', import.meta.url), boardJson());
