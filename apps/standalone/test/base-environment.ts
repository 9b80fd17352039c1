/** For tests: what every program that they start needs of this process's environment. */

const { PATH = '', NODE_COMPILE_CACHE } = process.env;

/** With the cache, a program starts with half of the work. `pnpm test` sets it. */
export const BASE_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH,
  ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }),
};
