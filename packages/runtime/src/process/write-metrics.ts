/** The command: writes `METRICS.md`. */

import { writeFileSync } from 'node:fs';
import { metricsPage } from './metrics-document.ts';

writeFileSync(new URL('../../../../METRICS.md', import.meta.url), metricsPage());
