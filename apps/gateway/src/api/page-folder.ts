/** Where `pnpm build` leaves the login page. */

import { fileURLToPath } from 'node:url';

export const PAGE_FOLDER = fileURLToPath(new URL('../../../web/dist', import.meta.url));
