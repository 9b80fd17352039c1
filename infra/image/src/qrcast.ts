/**
 * The entry point of the image: `qrcast gateway`, `qrcast doctor`, … This process becomes the
 * program, with the same id. So the program is the container's first process and gets its signals,
 * and no shell or supervisor is needed. A process of its own would be, because the roles have
 * different flags of V8.
 */

import { fileURLToPath } from 'node:url';
import { argumentsOf } from './roles.ts';

const TOP = fileURLToPath(new URL('../../../', import.meta.url));

// @types/node 24 does not have it yet on all platforms: undefined on Windows only.
process.execve?.(process.execPath, [process.execPath, ...argumentsOf(process.argv.slice(2), TOP)], process.env);
