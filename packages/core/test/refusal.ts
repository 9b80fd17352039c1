import type { z } from 'zod';
import { RefusedError } from '../src/errors.ts';
import { parseRequest } from '../src/requests.ts';

/**
 * How a request is refused.
 *
 * @throws {Error} if it is accepted.
 */
export function refusalOf(schema: z.ZodType, value: unknown): RefusedError {
  try {
    parseRequest(schema, value);
  } catch (error) {
    if (error instanceof RefusedError) return error;
    throw error;
  }
  throw new Error('expected a refusal; the request was accepted');
}
