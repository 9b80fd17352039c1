/** Where `pnpm build` puts the login page. */

import { fileURLToPath } from 'node:url';

export const PAGE_FOLDER = fileURLToPath(new URL('../../../web/dist', import.meta.url));
